/**
 * The types of a regulation's fields (specs/regulation.md §1): each is a function of a value and its key, which refuses
 * what the type does not allow and names the key at fault.
 */

import { parseDate } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { compareRatios, parseRatio, whole } from './ratio.mjs';

const MAX_CHARACTERS = 2000;
const LARGEST = Number.MAX_SAFE_INTEGER;

export const refuse = (code, key, found, expected) => {
  throw new Refusal(`regulation-${code}`, { file: 'regulation', key: key || '(whole)', found, expected });
};

const pattern = (code, expression) => (value, key) => {
  if (typeof value !== 'string') refuse('not-text', key, value);
  if (!expression.test(value)) refuse(code, key, value);
};

export const id = pattern('not-an-id', /^[a-z0-9][a-z0-9._-]{0,39}$/);
export const code = pattern('not-a-code', /^[a-z][a-z0-9-]{0,39}$/);
export const hash = pattern('value', /^[0-9a-f]{64}$/);
export const ratio = pattern('not-a-ratio', /^(?:0|[1-9][0-9]{0,8})\/[1-9][0-9]{0,8}$/);

export function text(value, key) {
  if (typeof value !== 'string') refuse('not-text', key, value);
  if (value === '') refuse('text-empty', key, value);
  if ([...value].length > MAX_CHARACTERS) refuse('text-too-long', key, value, MAX_CHARACTERS);
}

export function boolean(value, key) {
  if (typeof value !== 'boolean') refuse('not-boolean', key, value);
}

export const integer =
  (least, most = LARGEST) =>
  (value, key) => {
    if (!Number.isSafeInteger(value)) refuse('not-integer', key, value);
    if (value < least) refuse('out-of-range', key, value, least);
    if (value > most) refuse('out-of-range', key, value, most);
  };

export function date(value, key) {
  if (typeof value !== 'string') refuse('not-text', key, value);
  try {
    parseDate(value);
  } catch {
    refuse('not-a-date', key, value);
  }
}

/** `MM-DD` of every year, so without 29 February. */
export function monthDay(value, key) {
  if (typeof value !== 'string') refuse('not-text', key, value);
  try {
    parseDate(`2001-${value}`);
  } catch {
    refuse('not-a-day', key, value);
  }
}

export function share(value, key) {
  ratio(value, key);
  if (compareRatios(parseRatio(value), whole(1)) > 0) refuse('ratio-above-one', key, value);
}

export const oneOf =
  (...values) =>
  (value, key) => {
    if (!values.includes(value)) refuse('not-one-of', key, value, values);
  };

export const maybe = (type) => (value, key) => {
  if (value !== null) type(value, key);
};

export const list =
  (type, { filled = false, once = false } = {}) =>
  (value, key) => {
    if (!Array.isArray(value)) refuse('not-list', key, value);
    if (filled && value.length === 0) refuse('list-empty', key, value);
    value.forEach((one, i) => type(one, `${key}.${i}`));
    if (once) needOnce(key, value);
  };

/** Each of these stands once: what is said twice could be said in two ways. */
export function needOnce(key, names) {
  const seen = new Set();
  for (const name of names) {
    if (seen.has(name)) refuse('repeated', key, name);
    seen.add(name);
  }
}

/** A field that people may leave out: the artifact has it all the same. */
export const silent = (type) => Object.assign((value, key) => type(value, key), { mayBeSilent: true });

/** An object of exactly these fields; `also` checks them together. */
export const table =
  (fields, also = () => {}) =>
  (value, key) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('not-table', key, value);
    const at = (name) => (key ? `${key}.${name}` : name);
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(fields, name)) refuse('key-unknown', at(name), name, Object.keys(fields));
    }
    for (const [name, type] of Object.entries(fields)) {
      if (name in value) type(value[name], at(name));
      else if (type.mayBeSilent) throw notCanonical('not-canonical');
      else refuse('key-missing', at(name));
    }
    also(value, key);
  };

export const notCanonical = (reason) => new Refusal('regulation-not-canonical', { file: 'regulation', reason });
