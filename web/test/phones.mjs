/** What the phone's tests share: a store as strict as the browser's, and a log that signs whatever it is told to. */

import { toBase64, utf8 } from '../src/core/encoding.mjs';
import { leafHash, rootOf } from '../src/core/merkle.mjs';
import { noteOf } from '../src/supervise/evidence.mjs';
import { signer } from './signing.mjs';

export const ORIGIN = 'log.example.cn/jinan';
export const BUREAU = 'jinan-ybj.example.cn';
export const NOW = 1_788_775_200;
export const LOG = signer(ORIGIN);
export const INVITED = { log: LOG.vkey, bureau: signer(BUREAU).vkey };

/** A store in memory with the browser's rules: copies go in and out, a decision that throws undoes all of it. */
export class Memory {
  #values = new Map();
  get = async (key) => structuredClone(this.#values.get(key) ?? null);
  async all(prefix) {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
    return structuredClone(keys.map((key) => this.#values.get(key)));
  }
  async change(keys, decide) {
    const values = structuredClone(keys.map((key) => this.#values.get(key) ?? null));
    for (const [key, value] of structuredClone(decide(...values))) {
      if (value === null) this.#values.delete(key);
      else this.#values.set(key, value);
    }
  }
}

/** A log's files in memory, of signed entries. */
export function filesOf(entries, { size = entries.length, frozen = null } = {}) {
  const leaves = entries.map(leafHash);
  const text = `${ORIGIN}\n${size}\n${toBase64(rootOf(leaves.slice(0, size)))}\n`;
  const files = new Map([['checkpoint', utf8(noteOf(text, [LOG.line(text)]))]]);
  if (frozen) files.set('frozen', utf8(noteOf(frozen, [LOG.line(frozen)])));
  const bundle = entries.flatMap((entry) => [Buffer.from([entry.length >> 8, entry.length & 255]), entry]);
  if (entries.length) files.set(`tile/entries/000.p/${entries.length}`, new Uint8Array(Buffer.concat(bundle)));
  return { read: async (path) => files.get(path) ?? null, files };
}

export function entryOf(by, fields, seq = 0, prev = null) {
  const statement = { v: 0, log: ORIGIN, bureau: BUREAU, by: by.name, with: [], seq, prev, time: '2026-09-07T10:00:00Z', ...fields };
  const text = `${JSON.stringify(Object.fromEntries(Object.entries(statement).sort()))}\n`;
  return utf8(noteOf(text, [by.line(text)]));
}
