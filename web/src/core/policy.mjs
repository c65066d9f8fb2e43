/**
 * Logs, witnesses, groups and the quorum: the lines of C2SP tlog-policy, and what specs/trust.md §2 asks beyond it.
 *
 * A witness is `{name, vkey, …}`, a group `{name, threshold, members, …}`. What is asked of a group is told from its
 * members when it is made, so that no nesting, however deep, is ever walked.
 */

import { sameBytes } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { COSIGNATURE, COSIGNATURE_ML_DSA, ED25519, parseVkey } from './note.mjs';

const WORDS = new Set(['log', 'witness', 'group', 'quorum']);
const LOG_TYPES = [ED25519, COSIGNATURE_ML_DSA];
const WITNESS_TYPES = [COSIGNATURE, COSIGNATURE_ML_DSA];

export const isPolicyWord = (word) => WORDS.has(word);

export class PolicyReader {
  constructor() {
    this.logs = [];
    this.nodes = new Map(); // witnesses and groups, which share one space of names
    this.members = new Set(); // names that are members of a group already
    this.quorum = undefined;
  }

  read(line, word, rest) {
    try {
      if (word === 'log') this.#log(rest);
      else if (word === 'witness') this.#witness(rest);
      else if (word === 'group') this.#group(rest);
      else this.#quorum(rest);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'quorum-none') throw error;
      throw new Refusal('bad-policy', { line, reason: error.code, ...error.params });
    }
  }

  #log(rest) {
    need(rest, 1, 2);
    const vkey = parseVkey(rest[0]);
    if (!LOG_TYPES.includes(vkey.type)) throw new Refusal('key-algorithm', { name: vkey.name });
    this.#unused(vkey, this.logs);
    this.logs.push(vkey);
  }

  #witness(rest) {
    need(rest, 2, 3);
    const [name, key] = rest;
    const vkey = parseVkey(key);
    if (!WITNESS_TYPES.includes(vkey.type)) throw new Refusal('key-algorithm', { name });
    this.#unused(vkey, this.#witnesses().map((witness) => witness.vkey));
    this.#define(name, witness(name, vkey));
  }

  #group(rest) {
    need(rest, 3, Infinity);
    const [name, threshold, ...members] = rest;
    const nodes = members.map((member) => {
      if (!this.nodes.has(member)) throw new Refusal('name-undefined', { name: member });
      // Else one witness would make two voices.
      if (this.members.has(member)) throw new Refusal('member-repeated', { name: member, used_by: name });
      this.members.add(member);
      return this.nodes.get(member);
    });
    this.#define(name, group(name, thresholdOf(threshold, nodes.length), nodes));
  }

  #quorum(rest) {
    need(rest, 1);
    if (this.quorum !== undefined) throw new Refusal('quorum-repeated');
    const [name] = rest;
    if (name === 'none') throw new Refusal('quorum-none');
    if (!this.nodes.has(name)) throw new Refusal('name-undefined', { name });
    this.quorum = this.nodes.get(name);
  }

  #define(name, node) {
    if (name === 'none') throw new Refusal('word', { found: name });
    if (this.nodes.has(name)) throw new Refusal('name-repeated', { name });
    this.nodes.set(name, node);
  }

  #unused(vkey, others) {
    const first = others.find((other) => sameBytes(other.key, vkey.key));
    if (first) throw new Refusal('key-repeated', { name: vkey.name, first: first.name });
  }

  #witnesses() {
    return [...this.nodes.values()].filter((node) => !node.members);
  }

  /** What the lines say together. */
  finish() {
    const { logs, quorum = null } = this;
    if (logs.length === 0) throw new Refusal('no-log');
    const witnesses = this.#witnesses();
    for (const { name, vkey } of witnesses) {
      if (logs.some((log) => sameBytes(log.key, vkey.key))) throw new Refusal('log-is-witness', { found: name });
    }
    if (quorum?.common === 0) throw new Refusal('quorum-can-split');
    const nodes = [...this.nodes.values()]; // members before their groups
    return { logs, witnesses, nodes, quorum, forkers: quorum?.common ?? 0, backdaters: quorum?.least ?? 0 };
  }
}

function need(words, least, most = least) {
  if (words.length < least || words.length > most) throw new Refusal('line');
}

function thresholdOf(word, count) {
  if (word === 'all') return count;
  if (word === 'any') return 1;
  const threshold = /^[1-9][0-9]*$/.test(word) ? Number(word) : 0;
  if (threshold < 1 || threshold > count) throw new Refusal('threshold');
  return threshold;
}


/** A witness is one voice, and a quorum of one. */
const witness = (name, vkey) => ({ name, vkey, voices: new Set([vkey.name]), common: 1, least: 1 });

/**
 * A group, with the key names of the witnesses below it (`voices`), how many any two of its quorums have in common at
 * least (`common`, the *s* of specs/trust.md §2), and how many its smallest has (`least`).
 */
function group(name, threshold, members) {
  const voices = new Set();
  for (const voice of members.flatMap((member) => [...member.voices])) {
    // Two keys of one witness MUST NOT both count (specs/log.md §2).
    if (threshold > 1 && voices.has(voice)) throw new Refusal('witness-twice', { name: voice, used_by: name });
    voices.add(voice);
  }
  if (threshold === 1 && voices.size === 1) return { name, threshold, members, voices, common: 1, least: 1 };
  const common = sumOfSmallest(2 * threshold - members.length, members.map((member) => member.common));
  const least = sumOfSmallest(threshold, members.map((member) => member.least));
  return { name, threshold, members, voices, common, least };
}

function sumOfSmallest(count, numbers) {
  const smallest = numbers.sort((a, b) => a - b).slice(0, Math.max(0, count));
  return smallest.reduce((sum, number) => sum + number, 0);
}
