/** Where a page reads a log's files from: the web server that it came from, or a folder that the reader chose. */

import { readLog } from '../core/tiles.mjs';

const SILENCE = 30_000; // ms without a byte, after which a host is given up: it could keep a reader waiting for ever
const MAX_FILE = 2 ** 30; // a bundle (specs/bundle.md §4), and so whatever is a part of one
const MAX_LOG_FILE = 2 ** 25; // twice a full entry bundle, the largest file of a log beside its artifacts

/** A file could not be had for another reason than that it is not there. */
export class Unreachable extends Error {
  /** `found` is what a browser or a server said; or a code of the pages' sentences, `silent` or `endless`. */
  constructor(address, found) {
    super(`${address}: ${found}`);
    this.address = address;
    this.found = found;
  }

  /** The sentence about it. */
  told(words) {
    const found = words.has('page', String(this.found)) ? words.page(this.found) : this.found;
    return words.page('unreachable', { address: this.address, found });
  }
}

/**
 * The bytes at an address, or null where there is nothing. Nothing but the address is told to the server; that of an
 * artifact says which draw is looked at, as the address of a draw's page does.
 */
export async function fetched(address, limit = MAX_FILE, redirect = 'follow') {
  const patience = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => patience.abort(), SILENCE);
  };
  heard();
  try {
    const response = await fetch(address, {
      ...{ cache: 'no-cache', credentials: 'omit', referrerPolicy: 'no-referrer', redirect },
      signal: patience.signal,
    });
    if (response.status === 404 || response.status === 410) return null;
    if (!response.ok) throw new Unreachable(address, response.status);
    return await allOf(response, limit, heard);
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    throw new Unreachable(address, patience.signal.aborted ? 'silent' : error.message); // or broken off half-way
  } finally {
    clearTimeout(timer);
    patience.abort(); // what was given up need not go on coming
  }
}

/** The body of a response, as far as the limit: a host may claim any length, or send without end. */
async function allOf(response, limit, heard) {
  const endless = () => new Unreachable(response.url, 'endless');
  if (Number(response.headers.get('content-length')) > limit) throw endless();
  const reader = response.body.getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    heard();
    parts.push(value);
    length += value.length;
    if (length > limit) throw endless();
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Read files below an address that ends with a slash. */
export const overWeb = (base, redirect) => (path) =>
  fetched(new URL(path, base).href, path.startsWith('artifact/') ? MAX_FILE : MAX_LOG_FILE, redirect);

/** Read files of a chosen folder: the log is where `checkpoint` stands, in it or below. Null where there is none. */
export function fromFolder(files) {
  const byPath = new Map([...files].map((file) => [file.webkitRelativePath || file.name, file]));
  const folders = [...byPath.keys()].filter((path) => path.split('/').pop() === 'checkpoint').sort(byLength);
  if (!folders.length) return null;
  const base = folders[0].slice(0, -'checkpoint'.length);
  return async (path) => {
    const file = byPath.get(base + path);
    return file ? new Uint8Array(await file.arrayBuffer()) : null;
  };
}

const byLength = (a, b) => a.length - b.length || (a < b ? -1 : 1);

/**
 * A whole log as the verifier takes it, with the artifacts that were fetched for it. `read` serves both; a verification
 * says which artifacts it lacks, and `more` fetches those and tells whether any came.
 */
export async function openLog(read, progress) {
  return withArtifacts(await readLog(read, { progress }), read);
}

/** The same of a log that was read already. */
export function withArtifacts({ entries, checkpoints, frozen }, read) {
  const artifacts = new Map();
  const asked = new Set();
  const more = async (digests) => {
    const fresh = digests.filter((digest) => !asked.has(digest));
    const came = await Promise.all(
      fresh.map(async (digest) => {
        asked.add(digest);
        const bytes = await read(`artifact/${digest}`);
        if (bytes) artifacts.set(digest, bytes);
        return Boolean(bytes);
      }),
    );
    return came.some(Boolean);
  };
  return { entries, checkpoints, frozen, artifacts, more };
}

/** Verify, fetching what the verifier asks for until it lacks nothing more that can be had. */
export async function verifyWith(verifier, { file, trust, log, options }, progress) {
  for (;;) {
    const given = log && { ...log, more: null }; // functions do not cross over to a Worker
    const { report, result, wanted } = await verifier.ask(
      { call: 'verify', file, trust, log: given, options },
      progress,
    );
    if (!log || !(await log.more(wanted))) return { report, result };
  }
}
