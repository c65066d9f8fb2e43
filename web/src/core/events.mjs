/**
 * Public events as a source of randomness: their definition, their values, and what these give (specs/events.md §2-§4).
 *
 * That the values were closed and seen in time (§5) shows in the log alone, and is verified there.
 */

import { canonical, digestText, parse, parseTime, sha256hex } from './encoding.mjs';
import { Refusal } from './errors.mjs';

const MAX_BYTES = 65536;
const MAX_EVENTS = 20;
const MAX_NUMBERS = 100;
const MAX_CHARACTERS = 200;
const LONGEST_WAIT = 14 * 86400;
const MINUTE = 60;
const LARGEST = Number.MAX_SAFE_INTEGER;

/** What stands for a value that was not published by the deadline (specs/events.md §3). */
export const NOT_PUBLISHED = '-';

const ID = /^[a-z0-9][a-z0-9._-]{0,39}$/;
const HASH = /^[0-9a-f]{64}$/;
const VALUE = /^(?:-|(?:[0-9]{1,16}\.){1,100})$/;

const bad = (found = '') => new Refusal('bad-events', { found });
const whole = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;
const short = (value) => typeof value === 'string' && value !== '' && [...value].length <= MAX_CHARACTERS;

/**
 * The definition of events, its digest, and the minute in which the first is due (specs/events.md §2).
 *
 * @param {Uint8Array} bytes
 * @returns {{digest: string, deadline: number, round: number, events: object[]}} times in POSIX seconds
 */
export function readDefinition(bytes) {
  const value = readLine(bytes, ['deadline', 'events', 'type', 'v']);
  if (value.v !== 0 || value.type !== 'events' || !Array.isArray(value.events)) throw bad(value.type);
  if (!whole(value.events.length, 1, MAX_EVENTS)) throw bad(value.events.length);
  const events = value.events.map(readEvent);
  const deadline = secondsOf(value.deadline);
  const dues = events.map((event) => event.due);
  if (dues.some((due) => due >= deadline) || deadline > Math.min(...dues) + LONGEST_WAIT) throw bad(value.deadline);
  events.forEach((event, i) => {
    if (i > 0 && !(events[i - 1].id < event.id)) throw bad(event.id);
    // One lottery said twice would have the bits of two.
    if (events.some((other, j) => j < i && other.what === event.what && other.published === event.published)) {
      throw bad(event.id);
    }
  });
  return { digest: sha256hex(bytes), deadline, round: Math.min(...dues) / MINUTE, events };
}

function readEvent(event) {
  needFields(event, ['bits', 'count', 'due', 'first', 'id', 'kind', 'last', 'published', 'what']);
  const { bits, count, first, id, kind, last, published, what } = event;
  if (typeof id !== 'string' || !ID.test(id) || !short(what) || !short(published)) throw bad(id);
  if (kind !== 'set' && kind !== 'sequence') throw bad(kind);
  if (!whole(count, 1, MAX_NUMBERS) || !whole(first, 0, LARGEST) || !whole(last, first, LARGEST)) throw bad(id);
  const numbers = last - first + 1;
  // Of a set of which all are drawn, everybody knows the outcome.
  if (kind === 'set' && numbers <= count) throw bad(id);
  const due = secondsOf(event.due);
  if (due % MINUTE !== 0) throw bad(event.due);
  const outcomes = kind === 'set' ? binomial(BigInt(numbers), count) : BigInt(numbers) ** BigInt(count);
  if (!whole(bits, 1, log2(outcomes))) throw bad(bits);
  return { bits, count, due, first, id, kind, last, published, what };
}

/**
 * The values of the events of a definition, and what they give (specs/events.md §3, §4).
 *
 * @returns {{values: string[], missing: string[], bits: number, randomness: string}} `missing` by id: not published
 */
export function readValues(definition, bytes) {
  const value = readLine(bytes, ['definition', 'type', 'v', 'values']);
  if (value.v !== 0 || value.type !== 'event-values' || !Array.isArray(value.values)) throw bad(value.type);
  if (typeof value.definition !== 'string' || !HASH.test(value.definition)) throw bad(value.definition);
  for (const told of value.values) checkTold(told);
  if (value.definition !== definition.digest) {
    throw new Refusal('values-of-another', { expected: definition.digest, found: value.definition });
  }
  const ids = value.values.map((told) => told.id);
  if (ids.join('/') !== definition.events.map((event) => event.id).join('/')) {
    throw new Refusal('values-of-another', { expected: definition.events.length, found: ids.length });
  }
  const values = value.values.map((told) => told.value);
  definition.events.forEach((event, i) => {
    if (values[i] !== NOT_PUBLISHED && !isValueOf(event, values[i]))
      throw new Refusal('event-value', { event: event.id });
  });
  const missing = definition.events.filter((_, i) => values[i] === NOT_PUBLISHED);
  const published = definition.events.filter((_, i) => values[i] !== NOT_PUBLISHED);
  return {
    values,
    missing: missing.map((event) => event.id),
    bits: claimedBits(published),
    randomness: digestText(`fairdraw/v1/events\n${definition.digest}\n${values.map((one) => `${one}/`).join('')}\n`),
  };
}

/** The bits that these events claim together (specs/events.md §4). */
export const claimedBits = (events) => events.reduce((sum, event) => sum + event.bits, 0);

function checkTold(told) {
  needFields(told, ['evidence', 'id', 'value']);
  const { evidence, id, value } = told;
  if (typeof id !== 'string' || !ID.test(id)) throw bad(id);
  if (typeof value !== 'string' || !VALUE.test(value)) throw bad(value);
  if (evidence !== null && (typeof evidence !== 'string' || !HASH.test(evidence))) throw bad(evidence);
  if ((evidence === null) !== (value === NOT_PUBLISHED)) throw bad(id);
}

/** Whether a value is spelled as specs/events.md §3 has it: a second spelling would be a second try. */
function isValueOf({ count, first, kind, last }, value) {
  if (!/^(?:(?:0|[1-9][0-9]*)\.)+$/.test(value)) return false;
  const numbers = value.slice(0, -1).split('.').map(Number);
  return (
    numbers.length === count &&
    numbers.every((number) => number >= first && number <= last) &&
    (kind === 'sequence' || numbers.every((number, i) => i === 0 || numbers[i - 1] < number))
  );
}

/** One line of canonical JSON with exactly these fields. */
function readLine(bytes, fields) {
  if (bytes.length > MAX_BYTES || bytes[bytes.length - 1] !== 0x0a) throw bad(bytes.length);
  let value;
  try {
    value = parse(bytes.subarray(0, -1));
  } catch (error) {
    throw error instanceof Refusal ? bad(error.code) : error;
  }
  needFields(value, fields);
  return value;
}

/** @param {string[]} fields sorted */
function needFields(value, fields) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad();
  if (Object.keys(value).join() !== fields.join()) throw bad(Object.keys(value).join());
}

function secondsOf(time) {
  try {
    return parseTime(time);
  } catch {
    throw bad(canonical(time));
  }
}

/** The whole bits that so many equally likely outcomes have: ⌊log2 n⌋. */
const log2 = (n) => n.toString(2).length - 1;

function binomial(n, k) {
  let result = 1n;
  for (let i = 1n; i <= BigInt(k); i++) result = (result * (n - i + 1n)) / i;
  return result;
}
