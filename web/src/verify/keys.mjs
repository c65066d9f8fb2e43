/**
 * Which statements count: all signers' are walked in log order along with their keys (specs/verification.md §3, no. 5).
 * A statement is judged by the keys at its own place, so that no old key goes on behind its successor.
 */

import { parseTime } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { parseVkey } from '../core/note.mjs';
import { checkSignatures } from '../core/statement.mjs';
import { why } from './report.mjs';

/**
 * An entry at its place in the log, with its verdict.
 * @typedef {object} Item
 * @property {number} index
 * @property {object} entry as core/statement.mjs reads it
 * @property {object} statement
 * @property {string} hash
 * @property {CheckFails|CannotTell|null} objection why it counts for nothing; null if it counts
 */

/**
 * Judge every item, in the order of their indices, and set its `objection`. Of several with one text the first that
 * counts is the statement; of one that never counts the first is kept.
 * @param {Item[]} items
 * @returns {Item[]} one of each text
 */
export function walk(items, trust, { log, bureau }) {
  const keys = new Keys(trust, log, bureau);
  const texts = new Map();
  for (const item of items) {
    const known = texts.get(item.hash);
    if (known && known.objection === null) continue;
    item.objection = keys.objectionTo(item);
    if (!known || item.objection === null) texts.set(item.hash, item);
  }
  return [...texts.values()].sort((a, b) => a.index - b.index);
}

class Keys {
  constructor(trust, log, bureau) {
    this.log = log;
    this.bureau = bureau;
    this.lines = trust.bureaus
      .filter((line) => line.name === bureau && line.origin === log)
      .map((line) => ({ from: line.from, until: line.until, key: line.vkey }));
    this.others = new Map([...trust.supervisors.values()].map((person) => [person.name, person.vkey]));
  }

  objectionTo({ index, entry, statement }) {
    const byBureau = statement.by === this.bureau;
    const anyBureau = statement.type === 'key' && !byBureau;
    if (statement.log !== this.log || (statement.bureau !== this.bureau && !anyBureau)) {
      return new CheckFails('another-log', { index, expected: this.log, found: statement.log });
    }
    return byBureau ? this.#bureaus(index, entry, statement) : this.#others(index, entry, statement);
  }

  #others(index, entry, statement) {
    try {
      checkSignatures(entry, (name) => this.#keyOf(name, entry));
    } catch (error) {
      return objection(error, index);
    }
    if (statement.type === 'key') this.others.set(statement.by, parseVkey(statement.new));
    return null;
  }

  #bureaus(index, entry, statement) {
    const line = this.#inForce(statement).find(({ key }) => stands(key, entry.lines.slice(0, 1)));
    if (!line) return new CheckFails('not-the-bureaus-key', { index, time: statement.time });
    try {
      checkSignatures(entry, (name) => (name === this.bureau ? line.key : this.#keyOf(name, entry)));
    } catch (error) {
      return objection(error, index);
    }
    if (statement.type === 'key') line.key = parseVkey(statement.new);
    return null;
  }

  /** The key of a signer or co-signer; null for somebody whom the trust file does not know. */
  #keyOf(name, entry) {
    if (name !== this.bureau) return this.others.get(name) ?? null;
    const lines = this.#inForce(entry.statement);
    return (lines.find(({ key }) => stands(key, entry.lines)) ?? lines[0])?.key ?? null;
  }

  /** The bureau's lines whose bounds have the statement's time. */
  #inForce(statement) {
    const time = parseTime(statement.time);
    return this.lines.filter(({ from, until }) => (from === null || from <= time) && (until === null || time <= until));
  }
}

/** Whether one of these signature lines claims to be by this key. */
const stands = (key, lines) => lines.some(({ name, keyId }) => name === key.name && keyId === key.keyId);

function objection(error, index) {
  if (!(error instanceof Refusal)) throw error;
  return error.code === 'unknown-signer'
    ? new CannotTell('unknown-co-signer', { found: error.params.name, index })
    : new CheckFails('bad-signature', { index, why: why(error) });
}
