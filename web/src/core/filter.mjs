/** Who can be drawn at all: the filter of a directed draw (specs/filter.md). */

import { compareText } from './encoding.mjs';
import { Refusal } from './errors.mjs';

const MAX_CHARACTERS = 2000; // specs/filter.md §1
const MAX_DEPTH = 16; // §2
const MAX_DIGITS = 17; // §5, with the sign
const WORDS = new Set(['and', 'false', 'in', 'not', 'null', 'or', 'true', 'under']);
const FIELD = /^[a-z][a-z0-9_]{0,31}$/;
const CONSTANTS = new Map([['null', null], ['false', false], ['true', true]]);

/**
 * @typedef {{op: 'everybody'}
 *   | {op: 'and' | 'or', parts: Filter[]}
 *   | {op: 'not', part: Filter}
 *   | {op: 'equal', field: string, value: Value, denied: boolean}
 *   | {op: 'set', field: string, values: Value[]}
 *   | {op: 'range', field: string, low: number, high: number, sign: '..' | '>=' | '<='}
 *   | {op: 'under' | 'has', field: string, value: string}} Filter
 * @typedef {null | boolean | number | string} Value
 */

/**
 * The filter that a text is (specs/filter.md §2). Spaces and brackets are read wherever they make sense, then the
 * filter is written in its one spelling: what differs was another spelling.
 * @param {string} text
 * @returns {Filter}
 */
export function parseFilter(text) {
  const characters = Array.from(text);
  if (characters.length > MAX_CHARACTERS) {
    throw new Refusal('filter-too-long', { expected: MAX_CHARACTERS, found: characters.length });
  }
  checkCharacters(characters);
  const filter = new Reader(characters).whole();
  const spelled = spell(filter);
  if (spelled !== text) throw new Refusal('filter-not-canonical', { expected: spelled, found: text });
  return filter;
}

// With the flag u a surrogate matches only where it is alone (specs/encoding.md §2).
const FORBIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]/u;

function checkCharacters(characters) {
  let at = characters.findIndex((character) => FORBIDDEN.test(character));
  if (at < 0) {
    const normal = Array.from(characters.join('').normalize('NFC'));
    at = characters.findIndex((character, i) => character !== normal[i]);
  }
  if (at < 0) return;
  const point = characters[at].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
  throw new Refusal('filter-character', { position: at + 1, found: `U+${point}` });
}

// --- reading -------------------------------------------------------------------------------------------------------

const TOKEN = /(?<word>[a-z][a-z0-9_]*)|(?<integer>-?[0-9]+)|"(?<string>(?:[^"\\]|\\["\\])*)"|!=|>=|<=|\.\.|[={},()]/uy;

/** Recursive descent over tokens; every position is that of a character, counted from 1. */
class Reader {
  constructor(characters) {
    this.text = characters.join('');
    this.at = 0;
    this.next();
  }

  /** Move on to the next token, over any spaces. */
  next() {
    while (this.text[this.at] === ' ') this.at++;
    this.start = this.at;
    this.groups = {};
    this.token = null;
    if (this.at === this.text.length) return;
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (!found) throw this.refusal('filter-syntax', { found: this.text[this.at] });
    this.groups = found.groups;
    this.token = found[0];
    this.at = TOKEN.lastIndex;
  }

  refusal(code, { start = this.start, ...more } = {}) {
    return new Refusal(code, { position: Array.from(this.text.slice(0, start)).length + 1, ...more });
  }

  /** Whether the token is this one, which is then passed over. */
  takes(token) {
    if (this.token !== token) return false;
    this.next();
    return true;
  }

  needs(token) {
    if (!this.takes(token)) throw this.refusal('filter-syntax', { found: this.token });
  }

  whole() {
    if (this.token === null) return { op: 'everybody' };
    const filter = this.either(0);
    if (this.token !== null) throw this.refusal('filter-syntax', { found: this.token });
    return filter;
  }

  either(depth) {
    const parts = [this.both(depth)];
    while (this.takes('or')) parts.push(this.both(depth));
    return parts.length === 1 ? parts[0] : { op: 'or', parts };
  }

  both(depth) {
    const parts = [this.one(depth)];
    while (this.takes('and')) parts.push(this.one(depth));
    return parts.length === 1 ? parts[0] : { op: 'and', parts };
  }

  one(depth) {
    const { start } = this;
    const denied = this.takes('not');
    if (!denied && !this.takes('(')) return this.test();
    if (depth === MAX_DEPTH) throw this.refusal('filter-too-deep', { start, expected: MAX_DEPTH });
    if (denied) return { op: 'not', part: this.one(depth + 1) };
    const inner = this.either(depth + 1);
    this.needs(')');
    return inner;
  }

  test() {
    if (this.groups.string !== undefined) {
      const value = this.string();
      this.needs('in');
      return { op: 'has', field: this.field(), value };
    }
    const field = this.field();
    if (this.takes('=')) return { op: 'equal', field, value: this.value(), denied: false };
    if (this.takes('!=')) return { op: 'equal', field, value: this.value(), denied: true };
    if (this.takes('>=')) return { op: 'range', field, low: this.integer(), high: Infinity, sign: '>=' };
    if (this.takes('<=')) return { op: 'range', field, low: -Infinity, high: this.integer(), sign: '<=' };
    if (this.takes('under')) {
      if (this.groups.string === '') throw this.refusal('filter-syntax', { found: this.token });
      return { op: 'under', field, value: this.string() };
    }
    this.needs('in');
    return this.takes('{') ? { op: 'set', field, values: this.set() } : this.range(field);
  }

  set() {
    const values = [this.value()];
    while (this.takes(',')) values.push(this.value());
    this.needs('}');
    return values;
  }

  range(field) {
    const start = this.start;
    const low = this.integer();
    this.needs('..');
    const high = this.integer();
    if (low > high) {
      throw this.refusal('filter-range', { start, expected: `${high}..${low}`, found: `${low}..${high}` });
    }
    return { op: 'range', field, low, high, sign: '..' };
  }

  field() {
    const name = this.groups.word;
    if (name === undefined || WORDS.has(name) || !FIELD.test(name)) {
      throw this.refusal('filter-syntax', { found: this.token });
    }
    this.next();
    return name;
  }

  value() {
    if (this.groups.string !== undefined) return this.string();
    if (!CONSTANTS.has(this.token)) return this.integer();
    const value = CONSTANTS.get(this.token);
    this.next();
    return value;
  }

  string() {
    const raw = this.groups.string;
    if (raw === undefined) throw this.refusal('filter-syntax', { found: this.token });
    this.next();
    return raw.replace(/\\(["\\])/g, '$1');
  }

  integer() {
    const digits = this.groups.integer;
    if (digits === undefined) throw this.refusal('filter-syntax', { found: this.token });
    const integer = Number(digits);
    if (digits.length > MAX_DIGITS || !Number.isSafeInteger(integer)) {
      throw this.refusal('filter-integer', { expected: Number.MAX_SAFE_INTEGER, found: digits });
    }
    this.next();
    return integer + 0; // -0 is 0, and then not spelled `-0`
  }
}

// --- the one spelling ----------------------------------------------------------------------------------------------

function spell(filter) {
  switch (filter.op) {
    case 'everybody':
      return '';
    case 'or':
      return filter.parts.map((part) => bracketed(part, 'and')).join(' or ');
    case 'and':
      return filter.parts.map((part) => bracketed(part, 'or')).join(' and ');
    case 'not':
      return spellNot(filter.part);
    case 'equal':
      return `${filter.field} ${filter.denied ? '!=' : '='} ${spellValue(filter.value)}`;
    case 'set':
      return `${filter.field} in {${sortedValues(filter.values).map(spellValue).join()}}`;
    case 'range':
      if (filter.sign === '>=') return `${filter.field} >= ${filter.low}`;
      if (filter.sign === '<=') return `${filter.field} <= ${filter.high}`;
      return `${filter.field} in ${filter.low}..${filter.high}`;
    case 'under':
      return `${filter.field} under ${spellValue(filter.value)}`;
    case 'has':
      return `${spellValue(filter.value)} in ${filter.field}`;
  }
}

/** `not a = 1` has the spelling `a != 1`; `not a != 1` has no other. */
function spellNot(part) {
  if (part.op === 'equal' && !part.denied) return spell({ ...part, denied: true });
  return `not ${bracketed(part, 'and', 'or')}`;
}

const bracketed = (part, ...loose) => (loose.includes(part.op) ? `(${spell(part)})` : spell(part));

const spellValue = (value) => (typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value));

const rank = (value) => (value === null ? 0 : ['boolean', 'number', 'string'].indexOf(typeof value) + 1);

function sortedValues(values) {
  const byValue = (a, b) => (typeof a === 'string' ? compareText(a, b) : Number(a) - Number(b));
  const sorted = [...values].sort((a, b) => rank(a) - rank(b) || byValue(a, b));
  return sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
}

// --- meaning -------------------------------------------------------------------------------------------------------

/** Whether the filter holds for a row's attributes; there is no third answer (specs/filter.md §3). */
export function filterHolds(filter, attrs) {
  switch (filter.op) {
    case 'everybody':
      return true;
    case 'or':
      return filter.parts.some((part) => filterHolds(part, attrs));
    case 'and':
      return filter.parts.every((part) => filterHolds(part, attrs));
    case 'not':
      return !filterHolds(filter.part, attrs);
    case 'equal':
      return (valueOf(attrs, filter.field) === filter.value) !== filter.denied;
    case 'set':
      return filter.values.includes(valueOf(attrs, filter.field));
    case 'range': {
      const found = valueOf(attrs, filter.field);
      return typeof found === 'number' && found >= filter.low && found <= filter.high;
    }
    case 'under': {
      const found = valueOf(attrs, filter.field);
      return typeof found === 'string' && found.startsWith(filter.value);
    }
    case 'has': {
      const found = valueOf(attrs, filter.field);
      return Array.isArray(found) && found.includes(filter.value);
    }
  }
}

/** A row has every attribute of its schema; a slip's filter has been compared with none. */
function valueOf(attrs, field) {
  const value = attrs[field];
  if (value === undefined) {
    throw new Refusal('filter-unknown-attribute', { field, expected: Object.keys(attrs).sort() });
  }
  return value;
}

// --- what a roster can be asked ------------------------------------------------------------------------------------

const TYPE_OF = { boolean: 'boolean', number: 'integer', string: 'string' };

/**
 * Refuse a filter that asks for what the roster's schema has not (specs/filter.md §4).
 * @param {Filter} filter
 * @param {[string, string][]} schema attributes with their types
 */
export function checkFilter(filter, schema) {
  const types = new Map(schema);
  for (const test of testsOf(filter)) {
    const { field } = test;
    if (!types.has(field)) throw new Refusal('filter-unknown-attribute', { field, expected: [...types.keys()].sort() });
    const found = types.get(field);
    const expected = [...new Set(wantedTypes(test))].sort();
    if (expected.some((type) => type !== found)) throw new Refusal('filter-type', { field, expected, found });
  }
}

function testsOf(filter) {
  if (filter.op === 'everybody') return [];
  if (filter.op === 'not') return testsOf(filter.part);
  return filter.parts ? filter.parts.flatMap(testsOf) : [filter];
}

/** The types that an attribute must have for a test; null fits every one. */
function wantedTypes(test) {
  if (test.op === 'range') return ['integer'];
  if (test.op === 'under') return ['string'];
  if (test.op === 'has') return ['strings'];
  const values = test.op === 'set' ? test.values : [test.value];
  return values.filter((value) => value !== null).map((value) => TYPE_OF[typeof value]);
}
