/** The reader's own trust file (specs/trust.md), and when its quorum saw a checkpoint (specs/verification.md §2). */

import { chainOf } from './beacon.mjs';
import { parseDate, parseTime, sameBytes, sha256hex, text } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { ED25519, parseVkey } from './note.mjs';
import { PolicyReader, isPolicyWord } from './policy.mjs';

const FIRST_LINE = 'fairdraw/trust v1';
const DEFAULTS = { margin: 60, freshness: 172800, receipts: 0 };

/**
 * @typedef {object} Trust
 * @property {string} digest
 * @property {object[]} logs vkeys
 * @property {{name: string, vkey: object}[]} witnesses
 * @property {object[]} nodes witnesses and groups of policy.mjs, members before their groups
 * @property {?object} quorum one of them
 * @property {{name: string, vkey: object, origin: string, from: ?number, until: ?number}[]} bureaus
 * @property {Map<string, {name: string, role: string, vkey: object}>} supervisors by name
 * @property {{bureau: string, name: string, from: ?string}[]} seconds who must sign beside a bureau
 * @property {Map<string, object>} beacons chains by id
 * @property {Map<string, number>} retired times by beacon id
 * @property {number} margin
 * @property {number} freshness
 * @property {number} receipts
 * @property {boolean} rehearsal
 * @property {number} forkers how many witnesses must collude to fork
 * @property {number} backdaters how many must collude to back-date
 */

/**
 * Read a trust file.
 * @param {Uint8Array} bytes
 * @returns {Trust}
 */
export function parseTrust(bytes) {
  const lines = wordsOf(text(bytes));
  // Nothing of another file is quoted: it may be a private key.
  if (lines[0]?.line !== FIRST_LINE) throw new Refusal('not-a-trust-file', { expected: FIRST_LINE });
  const reader = new Reader();
  for (const { at, line, words } of lines.slice(1)) reader.read(at, line, words);
  return { digest: sha256hex(bytes), ...reader.finish() };
}

/** Lines that are neither empty nor comments, with their numbers and words. */
function wordsOf(file) {
  return file
    .split('\n')
    .map((raw, i) => ({ at: i + 1, line: raw.replace(/^[ \t]+|[ \t]+$/g, '') }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map((found) => ({ ...found, words: found.line.split(/[ \t]+/) }));
}

/** The lines of specs/trust.md §3; those of §2 go to the policy's reader. */
class Reader {
  constructor() {
    this.policy = new PolicyReader();
    this.bureaus = [];
    this.supervisors = new Map();
    this.seconds = [];
    this.beaconLines = new Map();
    this.retired = new Map();
    this.single = new Map(); // margin, freshness, receipts, rehearsal: each at most once
  }

  read(at, line, words) {
    const [word, ...rest] = words;
    if (isPolicyWord(word)) return this.policy.read(at, word, rest);
    try {
      this.#own(at, line, word, rest);
    } catch (error) {
      throw badLine(error, at, line);
    }
  }

  #own(at, line, word, rest) {
    switch (word) {
      case 'bureau': return this.#bureau(rest);
      case 'supervisor': return this.#supervisor(rest);
      case 'second': return this.#second(rest);
      case 'beacon': return this.#beacon(at, line, rest);
      case 'retired': return this.#retired(rest);
      case 'margin':
      case 'freshness':
      case 'receipts':
        need(rest, 1);
        return once(this.single, word, decimal(rest[0]));
      case 'rehearsal':
        need(rest, 0);
        return once(this.single, word, true);
      default: throw new Refusal('unknown-word');
    }
  }

  #bureau(rest) {
    need(rest, 3, 5);
    const [name, key, origin, from = '-', until = '-'] = rest;
    const vkey = keyOf(name, key);
    for (const other of this.bureaus) {
      if (other.name === name && sameKey(other.vkey, vkey)) throw new Refusal('said-twice');
    }
    this.bureaus.push({ name, vkey, origin, from: bound(from), until: bound(until) });
  }

  #supervisor(rest) {
    need(rest, 3);
    const [name, role, key] = rest;
    const vkey = keyOf(name, key);
    for (const other of this.supervisors.values()) {
      // Else one person would count as two supervisors.
      if (sameKey(other.vkey, vkey)) throw new Refusal('said-twice');
    }
    once(this.supervisors, name, { name, role, vkey });
  }

  #second(rest) {
    need(rest, 2, 3);
    const [bureau, name, from = null] = rest;
    if (from !== null) parseDate(from);
    if (this.seconds.some((line) => line.bureau === bureau && line.name === name)) throw new Refusal('said-twice');
    this.seconds.push({ bureau, name, from });
  }

  #beacon(at, line, rest) {
    need(rest, 6);
    const [id, hash, key, scheme, period, genesis] = rest;
    const constants = { id, hash, key, scheme, period: decimal(period), genesis: decimal(genesis) };
    once(this.beaconLines, id, { at, line, constants });
  }

  #retired(rest) {
    need(rest, 2);
    once(this.retired, rest[0], parseTime(rest[1]));
  }

  finish() {
    const { bureaus, supervisors, seconds, retired } = this;
    const policy = this.policy.finish();
    const rehearsal = this.single.has('rehearsal');
    const beacons = new Map();
    for (const [id, { at, line, constants }] of this.beaconLines) {
      try {
        beacons.set(id, chainOf(constants, { rehearsal }));
      } catch (error) {
        throw error.code === 'practice-chain' ? error : badLine(error, at, line);
      }
    }
    checkOrigins(bureaus);
    checkIndependence(bureaus, supervisors);
    for (const { bureau, name } of seconds) {
      const known = bureaus.some((line) => line.name === bureau) && supervisors.has(name);
      if (!known) throw new Refusal('second-unknown', { bureau, found: name });
    }
    const names = [...policy.logs, ...policy.witnesses.map(({ vkey }) => vkey)].map(({ name }) => name);
    names.push(...bureaus.flatMap(({ name, origin }) => [name, origin]), ...supervisors.keys());
    for (const found of names) {
      // Else a draw that was only practised could be passed off as real, or a real one be denied.
      if (found.endsWith('/rehearsal') !== rehearsal) throw new Refusal('rehearsal-mixed', { found });
    }
    return {
      ...policy,
      bureaus,
      supervisors,
      seconds,
      beacons,
      retired,
      ...DEFAULTS,
      ...Object.fromEntries([...this.single].filter(([word]) => word !== 'rehearsal')),
      rehearsal,
    };
  }
}

function badLine(error, line, found) {
  if (!(error instanceof Refusal)) throw error;
  return new Refusal('bad-line', { line, found, reason: error.code });
}

function need(words, least, most = least) {
  if (words.length < least || words.length > most) throw new Refusal('wrong-number-of-words');
}

function once(map, key, value) {
  if (map.has(key)) throw new Refusal('said-twice');
  map.set(key, value);
}

function decimal(word) {
  if (!/^(?:0|[1-9][0-9]*)$/.test(word)) throw new Refusal('not-a-number');
  return Math.min(Number(word), Number.MAX_SAFE_INTEGER); // beyond it a number of seconds or people is for ever
}

const bound = (word) => (word === '-' ? null : parseTime(word));

const sameKey = (a, b) => sameBytes(a.key, b.key);

function keyOf(name, key) {
  const vkey = parseVkey(key);
  if (vkey.name !== name || vkey.type !== ED25519) throw new Refusal('key-of-another-name');
  return vkey;
}

/** A bureau under two origins at once could draw each slot twice, each time the first of its log. */
function checkOrigins(bureaus) {
  const before = (a, b) => a.until !== null && b.from !== null && a.until < b.from;
  bureaus.forEach((a, i) => {
    for (const b of bureaus.slice(i + 1)) {
      if (a.name === b.name && a.origin !== b.origin && !before(a, b) && !before(b, a)) {
        throw new Refusal('two-origins-at-once', { name: a.name });
      }
    }
  });
}

/** No bureau is a supervisor: its own signature would count as somebody else's. */
function checkIndependence(bureaus, supervisors) {
  for (const { name, vkey } of bureaus) {
    const itself = supervisors.has(name) || [...supervisors.values()].some((person) => sameKey(person.vkey, vkey));
    if (itself) throw new Refusal('supervises-itself', { found: name });
  }
}

// --- when a quorum had seen a checkpoint ---------------------------------------------------------------------------

/**
 * The least time by which the witnesses' earliest cosignatures make the quorum, or null (specs/verification.md §2.2).
 * @param {Trust} trust
 * @param {{witness: object, time: number}[]} cosignatures those of one checkpoint
 */
export function orderTime(trust, cosignatures) {
  const earliest = new Map();
  for (const { witness, time } of cosignatures) {
    if (time > 0) earliest.set(witness, Math.min(time, earliest.get(witness) ?? Infinity));
  }
  return finite(quorumTime(trust, (witness) => earliest.get(witness) ?? Infinity, (a, b) => a - b));
}

/** The greatest time at which the witnesses' latest cosignatures still make the quorum, or null (§2.3). */
export function freshnessTime(trust, cosignatures) {
  const latest = new Map();
  for (const { witness, time } of cosignatures) latest.set(witness, Math.max(time, latest.get(witness) ?? -Infinity));
  return finite(quorumTime(trust, (witness) => latest.get(witness) ?? -Infinity, (a, b) => b - a));
}

/** A group of threshold k has what it needs when its k-th member has. */
function quorumTime({ nodes, quorum }, timeOf, order) {
  const times = new Map();
  for (const node of nodes) {
    const { members, threshold } = node;
    times.set(node, members ? members.map((member) => times.get(member)).sort(order)[threshold - 1] : timeOf(node));
  }
  return times.get(quorum) ?? Infinity;
}

const finite = (time) => (Number.isFinite(time) ? time : null);
