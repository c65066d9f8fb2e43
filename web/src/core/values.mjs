/**
 * The types of fields (specs/statements.md §2) and how they are put together.
 *
 * A **shape** is a function of a value and of where it stands, which refuses (`bad-field`) whatever is not in it.
 */

import { canonical, compareText, parseDate, parseTime } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { isKeyName, parseVkey } from './note.mjs';

export function refuse(field, found) {
  const shown = found !== undefined && (typeof found !== 'object' || found === null);
  throw new Refusal('bad-field', shown ? { field, found } : { field });
}

// --- putting shapes together ---------------------------------------------------------------------------------------

/** A value of which this holds. */
export const that = (holds) => (value, at) => {
  if (!holds(value)) refuse(at, value);
};

export const matching = (pattern) => that((value) => typeof value === 'string' && pattern.test(value));

export const oneOf = (...values) => that((value) => values.includes(value));

export const nullOr = (shape) => (value, at) => {
  if (value !== null) shape(value, at);
};

/** An object with exactly these fields, of which afterwards `rules` hold: `[field, holds]`, the field to be named. */
export function record(fields, rules = []) {
  const names = Object.keys(fields);
  return (value, at) => {
    checkFields(value, names, at);
    for (const name of names) fields[name](value[name], inside(at, name));
    for (const [name, holds] of rules) if (!holds(value)) refuse(inside(at, name), value[name]);
  };
}

function checkFields(value, names, at) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(at, value);
  for (const name of Object.keys(value)) if (!names.includes(name)) refuse(inside(at, name), value[name]);
  for (const name of names) if (!Object.hasOwn(value, name)) refuse(inside(at, name));
}

const inside = (at, name) => (at ? `${at}.${name}` : name);

/** One of several objects, told apart by their `kind`. */
export const kinds = (shapes) => {
  const byKind = new Map(Object.entries(shapes));
  return (value, at) => {
    const shape = byKind.get(value?.kind);
    if (!shape) refuse(inside(at, 'kind'), value?.kind);
    shape(value, at);
  };
};

/** An array with an item of each of these shapes. */
export const tuple = (...shapes) => (value, at) => {
  if (!Array.isArray(value) || value.length !== shapes.length) refuse(at, value);
  shapes.forEach((shape, i) => shape(value[i], at));
};

/**
 * An array of `least` to `most` items. By what `by` makes of them no two are equal (`distinct`), or each is above the
 * one before, bytewise (`sorted`).
 */
export function listOf(shape, options = {}) {
  const { least = 0, most = Infinity, sorted = false, distinct = false, by = (item) => item } = options;
  return (value, at) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) refuse(at, value);
    for (const item of value) shape(item, at);
    if (sorted && !rises(value.map(by))) refuse(at, value);
    if (distinct && new Set(value.map(by)).size !== value.length) refuse(at, value);
  };
}

const rises = (strings) => strings.every((string, i) => i === 0 || compareText(strings[i - 1], string) < 0);

// --- the types -----------------------------------------------------------------------------------------------------

export const integer = (least, most = Number.MAX_SAFE_INTEGER) =>
  that((value) => Number.isInteger(value) && value >= least && value <= most);

/** Text of at most so many characters, which are code points. */
export const text = (most = Infinity) =>
  that((value) => typeof value === 'string' && (value.length <= most || [...value].length <= most));

export const boolean = oneOf(true, false);
export const count = integer(0);
export const positive = integer(1);
export const hash = matching(/^[0-9a-f]{64}$/);
export const hex = matching(/^(?:[0-9a-f]{2}){1,200}$/);
export const id = matching(/^[a-z0-9][a-z0-9._-]{0,39}$/);
export const slot = matching(/^[a-z0-9][a-z0-9._-]{0,39}(?:\/[a-z0-9][a-z0-9._-]{0,39}){2}$/);
export const number = matching(/^[A-Za-z0-9._:-]{1,40}$/);
export const reason = matching(/^[a-z][a-z0-9-]{0,39}$/);
export const fieldName = matching(/^[a-z][a-z0-9_]{0,31}$/);
export const ratio = matching(/^(?:0|[1-9][0-9]{0,8})\/[1-9][0-9]{0,8}$/);
export const name = that((value) => typeof value === 'string' && isKeyName(value) && [...value].length <= 200);
export const vkey = that((value) => typeof value === 'string' && isRight(parseVkey, value));
export const time = that((value) => typeof value === 'string' && isRight(parseTime, value));
export const date = that((value) => typeof value === 'string' && isRight(parseDate, value));

function isRight(parse, value) {
  try {
    parse(value);
    return true;
  } catch {
    return false;
  }
}

/** A ratio of at most 1. */
export const share = (value, at) => {
  ratio(value, at);
  const [above, below] = value.split('/').map(Number);
  if (above > below) refuse(at, value);
};

/** What an attribute may have as one value: not a list. */
export const single = that((value) => value === null || ['string', 'number', 'boolean'].includes(typeof value));

/** Two values are equal if their canonical JSON is: 1 is not true, and not "1". */
export const spelling = (value) => canonical(value);

export const ref = record({ index: count, text: hash });
export const artifact = record({ digest: hash, length: count });
export const listing = record({ digest: hash, length: count, root: hash, count });
export const source = record({ beacon: id, hash, round: positive });
export const pulse = record({ beacon: id, round: positive, signature: hex, previous: nullOr(hex) });
