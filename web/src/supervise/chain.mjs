/**
 * A supervisor's statements: stored before they are signed, stored again before they leave, and repeated byte by byte
 * (specs/statements.md §2, specs/phone.md §5).
 */

import { canonical, formatTime, parseTime, sha256hex, toHex, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { parseStatement } from '../core/schema.mjs';
import { lineText, noteOf } from './evidence.mjs';

const SEQ_DIGITS = 9;
const folder = (origin) => `said/${origin}/`;
const saidKey = (origin, seq) => `${folder(origin)}${String(seq).padStart(SEQ_DIGITS, '0')}`;
const headKey = (origin) => `head/${origin}`;

/** What was said in a log, in order: `{seq, text, hash, entry}`; `entry` is null where a crash came before signing. */
export const saidIn = (store, origin) => store.all(folder(origin));

/**
 * Where the chain stands: what is stored, and what the log has of it.
 * @param {object[]} said what is stored
 * @param {{statement: object, hash: string}[]} logged the signer's valid statements in the log, in order
 */
export function headOf(said, logged) {
  const stored = new Map(said.map(({ seq, hash }) => [seq, hash]));
  for (const { statement, hash } of logged) {
    if (stored.get(statement.seq) !== hash) throw new Refusal('chain-of-another', { found: statement.seq });
  }
  const last = said[said.length - 1] ?? null;
  return { seq: last ? last.seq + 1 : 0, prev: last?.hash ?? null, time: last ? parseTime(timeOf(last)) : 0 };
}

const timeOf = ({ text }) => parseStatement(utf8(text)).time;

/** The fields that say what a statement is about, and not where it stands. */
function matterOf({ seq, prev, time, ...matter }) {
  return canonical(matter);
}

/**
 * Say something: the statement that is stored for the same purpose already, or the next one.
 *
 * @param {object} store
 * @param {{log: string, bureau: string, by: string}} where
 * @param {{type: string}} what the type and its own fields
 * @param {{now: number, logged: object[], signers: object[], beside?: [string, object][]}} how `signers` are those whose
 *   lines the entry has, in order; `beside` is stored together with the text, as a key that follows
 * @returns {Promise<{seq: number, text: string, hash: string, entry: Uint8Array}>}
 */
export async function say(store, where, what, { now, logged, signers, beside = [] }) {
  const said = await saidIn(store, where.log);
  const asked = matterOf({ v: 0, ...where, with: [], ...what });
  const before = said.find(({ text }) => matterOf(parseStatement(utf8(text))) === asked);
  if (before) return finish(store, where.log, before, signers);
  const head = headOf(said, logged);
  needInForce(said, head.seq, signers[0]);
  if (now < head.time) throw new Refusal('clock-went-back', { expected: head.time, found: now });
  const statement = { v: 0, ...where, with: [], ...what, seq: head.seq, prev: head.prev, time: formatTime(now) };
  const text = `${canonical(statement)}\n`;
  parseStatement(utf8(text));
  const one = { seq: head.seq, text, hash: sha256hex(utf8(text)), entry: null };
  await store.change([saidKey(where.log, one.seq), headKey(where.log)], (there, newest) => {
    // Two pages at one moment: the second must not make another text with this number.
    if (there || (newest ?? -1) >= one.seq) throw new Refusal('said-elsewhere', { found: one.seq });
    return [[saidKey(where.log, one.seq), one], [headKey(where.log), one.seq], ...beside];
  });
  return finish(store, where.log, one, signers);
}

/**
 * Refuse a key that is not the one in force at a number: two pages, or a crash while keys were changed. What it signed
 * would be stored for good, and no desk could take it or anything after it.
 */
function needInForce(said, seq, { vkey }) {
  const changes = said.map(({ text }) => parseStatement(utf8(text))).filter(({ type }) => type === 'key');
  const before = changes.filter((one) => one.seq < seq).pop();
  const expected = before?.new ?? changes.find((one) => one.seq > seq)?.old ?? vkey.vkey;
  if (expected !== vkey.vkey) throw new Refusal('key-change-unfinished', { found: seq });
}

/** Sign what is stored and not signed, and store that. */
export async function finish(store, origin, one, signers) {
  if (one.entry) return one;
  needInForce(await saidIn(store, origin), one.seq, signers[0]);
  const lines = [];
  for (const { vkey, sign } of signers) lines.push(lineText(vkey, await sign(utf8(one.text))));
  const entry = utf8(noteOf(one.text, lines));
  const done = { ...one, entry };
  await store.change([saidKey(origin, one.seq)], (there) => {
    // Ed25519 signs a text in one way: who was faster has signed the same.
    if (there?.hash !== one.hash) throw new Refusal('said-elsewhere', { found: one.seq });
    if (there.entry && toHex(there.entry) !== toHex(entry)) throw new Refusal('said-elsewhere', { found: one.seq });
    return [[saidKey(origin, one.seq), done]];
  });
  return done;
}
