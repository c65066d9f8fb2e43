/** Rosters and openings of frozen registries (specs/snapshot.md). A roster row is `{no, attrs, seal, line}`. */

import { canonical, compareText, fromHex, parseText, sha256hex, splitLines, toHex, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { checkInclusion, EMPTY_ROOT, leafHash, rootOfLines } from './merkle.mjs';
import { fieldName, hash, listOf, number, record, text } from './values.mjs';

const EMPTY_SEAL = toHex(EMPTY_ROOT);

const isString = (value) => typeof value === 'string';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The values of each type of attribute (specs/snapshot.md §1), beside null. */
const TYPES = new Map([
  ['string', isString],
  ['integer', Number.isInteger],
  ['boolean', (value) => typeof value === 'boolean'],
  ['strings', (value) => Array.isArray(value) && value.every(isString) && value.every(risesFromBefore)],
]);

function risesFromBefore(string, i, strings) {
  return i === 0 || compareText(strings[i - 1], string) < 0;
}

/**
 * The rows of a roster, in the order of the checks of specs/snapshot.md §3.
 * @param {Uint8Array} bytes
 * @param {{roster: object, attrs: [string, string][], private: [string, boolean][]}} statement
 * @returns {{no: string, attrs: object, seal: string, line: string}[]}
 */
export function readRoster(bytes, statement) {
  const { digest, length, root, count } = statement.roster;
  const found = sha256hex(bytes);
  if (bytes.length !== length || found !== digest) throw new Refusal('wrong-digest', { expected: digest, found });
  const rows = linesOf(bytes).map(rowReader(statement));
  checkNumbers(rows);
  if (rows.length !== count) throw new Refusal('wrong-root', { expected: count, found: rows.length });
  const made = rootOfLines(rows.map(({ line }) => line));
  if (made !== root) throw new Refusal('wrong-root', { expected: root, found: made });
  return rows;
}

/** One line of a roster, without its LF, under what its snapshot says. */
export const readRosterLine = (line, statement) => rowReader(statement)(line, 0);

function rowReader(statement) {
  const checkAttributes = attributesOf(statement);
  const sealed = statement.private.length > 0;
  return (line, at) => {
    const row = readLine(line, at);
    checkAttributes(row);
    if (!sealed) checkSeal(row);
    return row;
  };
}

function linesOf(bytes) {
  try {
    return splitLines(bytes);
  } catch (error) {
    throw new Refusal('bad-roster-line', { reason: error.code });
  }
}

const NUMBER = /^[A-Za-z0-9._:-]{1,40}$/;
const HASH = /^[0-9a-f]{64}$/;

function readLine(line, at) {
  let row;
  try {
    row = parseText(line);
  } catch (error) {
    throw new Refusal('bad-roster-line', { line: at + 1, reason: error.code });
  }
  const fields = isObject(row) ? Object.keys(row) : [];
  if (fields.length !== 3 || fields[0] !== 'attrs' || fields[1] !== 'no' || fields[2] !== 'seal') {
    throw new Refusal('bad-roster-line', { line: at + 1, expected: 'attrs, no, seal', found: fields.join(', ') });
  }
  const { attrs, no, seal } = row;
  if (!isObject(attrs) || !isString(no) || !NUMBER.test(no) || !isString(seal) || !HASH.test(seal)) {
    throw new Refusal('bad-roster-line', { line: at + 1 });
  }
  return { no, attrs, seal, line };
}

/** A check that a row has the attributes of the schema, each null or of its type. */
function attributesOf({ attrs: schema }) {
  const names = schema.map(([field]) => field).sort();
  return ({ no, attrs }) => {
    const found = Object.keys(attrs); // sorted, for the line is canonical
    if (found.length !== names.length || !names.every((field, i) => field === found[i])) {
      throw new Refusal('bad-attributes', { no, expected: names, found });
    }
    for (const [field, type] of schema) {
      const value = attrs[field];
      if (value !== null && !TYPES.get(type)(value)) {
        throw new Refusal('bad-attribute', { no, field, expected: type, found: value });
      }
    }
  };
}

/** Without private fields a seal binds nothing, and could carry a message. */
function checkSeal({ no, seal }) {
  if (seal !== EMPTY_SEAL) throw new Refusal('seal-without-fields', { no });
}

function checkNumbers(rows) {
  for (let i = 1; i < rows.length; i++) {
    if (!(rows[i - 1].no < rows[i].no)) throw new Refusal('roster-not-sorted', { no: rows[i].no }); // ASCII
  }
  const seen = new Set();
  for (const { no } of rows) {
    const folded = no.toLowerCase(); // two that look alike on paper would be two chances, or one person's blame
    if (seen.has(folded)) throw new Refusal('number-twice', { no });
    seen.add(folded);
  }
}

// --- openings ------------------------------------------------------------------------------------------------------

/** The leaf of a private field (specs/snapshot.md §2). */
export const fieldLeaf = ({ no, field, value, salt }) =>
  leafHash(utf8(canonical(['fairdraw/v1/field', no, field, value, salt])));

/**
 * Refuse an opening that is not of this row, at the place of its field (specs/snapshot.md §4).
 * @param {{field: string, no: string, path: string[], salt: string, value: string}} opening
 * @param {{private: [string, boolean][]}} statement
 * @param {{seal: string}} row
 */
export function checkOpening(opening, statement, row) {
  const { no, field, path } = opening;
  const index = statement.private.findIndex(([name]) => name === field);
  if (index < 0) throw new Refusal('unknown-field', { no, field });
  const proof = { leaf: fieldLeaf(opening), index, size: statement.private.length };
  try {
    checkInclusion({ ...proof, path: path.map(fromHex), root: fromHex(row.seal) });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('opening-does-not-fit', { no, field });
  }
}

const opening = record({ field: fieldName, no: number, path: listOf(hash), salt: hash, value: text() });

/** A file of openings, in any order. */
export function readOpenings(bytes) {
  let lines;
  try {
    lines = splitLines(bytes);
  } catch (error) {
    throw new Refusal('bad-opening', { line: 1, reason: error.code });
  }
  return lines.map((line, i) => {
    try {
      const value = parseText(line);
      opening(value, '');
      return value;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal('bad-opening', { line: i + 1, ...error.params, reason: error.code });
    }
  });
}
