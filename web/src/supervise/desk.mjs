/** The desk's addresses (specs/phone.md §4): reading the log there, and handing in. */

import { parseTime, text, utf8 } from '../core/encoding.mjs';
import { Unreachable, fetched, overWeb } from '../page/sources.mjs';

const SILENCE = 30_000; // ms
const MAX_SMALL = 2 ** 20;
const redirect = 'error'; // a phone asks the addresses that its owner was shown, and no others

/** The desk refused: what it says is its own words, in both languages, and `later` whether to try again. */
export class DeskRefused extends Error {
  constructor({ code, zh, en }, status) {
    super(code);
    this.code = code;
    this.said = { zh: String(zh ?? code), en: String(en ?? code) };
    this.later = status === 503 || status === 429;
  }
}

export class Desk {
  /** @param {string[]} urls tried in their order; the first that answers is kept to */
  constructor(urls) {
    this.urls = urls;
  }

  /** The first address below which there is a checkpoint; throws Unreachable. */
  async base() {
    let last = new Unreachable('', 'no-address');
    for (const url of this.urls) {
      try {
        if (await fetched(`${url}/checkpoint`, MAX_SMALL, redirect)) return `${url}/`;
        last = new Unreachable(url, 404);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** What reads a file of the log. */
  async reader() {
    return overWeb(await this.base(), redirect);
  }

  /** The desk's time, or null where a web server of files has none. */
  async time() {
    const bytes = await this.#get('time', 64);
    try {
      return bytes && parseTime(text(bytes).trimEnd());
    } catch {
      return null;
    }
  }

  trust = () => this.#get('trust', MAX_SMALL);

  bundle = (hash) => this.#get(`bundle/${hash}`, 2 ** 30);

  async #get(path, limit) {
    return fetched(`${await this.base()}${path}`, limit, redirect);
  }

  /** Hand something in; returns what the desk answers, throws DeskRefused or Unreachable. */
  async hand(kind, data) {
    const address = `${await this.base()}${kind}`;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), SILENCE);
    try {
      const response = await fetch(address, {
        ...{ method: 'POST', body: typeof data === 'string' ? utf8(data) : data },
        headers: { 'content-type': 'text/plain' }, // which needs no leave of the browser's
        ...{ credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store', redirect, signal: patience.signal },
      });
      const told = await response.json().catch(() => ({}));
      if (response.ok) return told;
      throw new DeskRefused(told.error ?? { code: `HTTP ${response.status}` }, response.status);
    } catch (error) {
      if (error instanceof DeskRefused) throw error;
      throw new Unreachable(address, patience.signal.aborted ? 'silent' : error.message);
    } finally {
      clearTimeout(timer);
    }
  }
}
