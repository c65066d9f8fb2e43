/**
 * Acts and outcomes: what is logged after a draw and names a person or an object (specs/acts.md §2, §6).
 *
 * They are artifacts, for a log cannot forget. Where an act must not be seen yet it is sealed with a nonce.
 */

import { canonical, compareText, parse, parseText, sha256hex, splitLines } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { rootOfLines } from './merkle.mjs';
import {
  boolean,
  count,
  date,
  hash,
  id,
  listOf,
  name,
  nullOr,
  number,
  oneOf,
  positive,
  reason,
  record,
  text,
  tuple,
} from './values.mjs';

const MAX_OUTCOMES = 100_000; // lines of one result; a province draws fewer in a year

const names = (shape, least) => listOf(shape, { least, sorted: true });

/** The acts of §2, by the field of the statement that names them. */
const ACTS = new Map([
  ['vacancy', record({ inspector: number, no: number })],
  [
    'substitute',
    record({
      department: text(),
      eligible: positive,
      expert: boolean,
      in: number,
      no: number,
      out: number,
      ticket: hash,
    }),
  ],
  ['named', record({ no: number })],
  ['inspection', record({ date, inspectors: names(number, 1), items: names(id, 1), objects: names(number, 1) })],
]);

/**
 * An act, in the open or sealed.
 *
 * @param {Uint8Array} bytes
 * @param {'vacancy'|'substitute'|'named'|'inspection'} kind
 * @returns {{act: object, nonce: string|null}} the nonce of a sealed one
 */
export function readAct(bytes, kind) {
  const open = bytes[bytes.length - 1] === 0x0a;
  try {
    const value = parse(open ? bytes.subarray(0, -1) : bytes);
    if (!open) tuple(hash, ACTS.get(kind))(value, '');
    else ACTS.get(kind)(value, '');
    return open ? { act: value, nonce: null } : { act: value[1], nonce: value[0] };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('bad-act', { expected: kind, found: error.params.field ?? error.code, reason: error.code });
  }
}

// --- outcomes (§6) ---

const reasons = names(reason, 0);

const lenient = record({
  list: oneOf('mitigated', 'none', 'lighter', 'first-time'),
  number: positive,
  ground: oneOf('amount-below', 'benchmark', 'first-found'),
  finding: reason,
  amount: nullOr(count),
});

const said = (...values) => values.filter((value) => value !== null).length;

/** What an inspection found; its rules are those of the table of §6 and the lines below it. */
const OUTCOME = record(
  {
    no: number,
    items: names(id, 1),
    method: reason,
    first: date,
    last: date,
    checked: date,
    notice: nullOr(hash),
    form: nullOr(hash),
    refusal: nullOr(record({ reason, witness: nullOr(hash) })),
    recognised: nullOr(record({ index: count, log: name, text: hash })),
    result: nullOr(reason),
    findings: reasons,
    leniency: listOf(lenient),
    noncooperation: listOf(tuple(date, reason), { sorted: true, by: (act) => canonical(act) }),
    transfers: reasons,
    rectify: nullOr(record({ revisited: nullOr(date), until: date })),
    due: nullOr(date),
    withheld: nullOr(reason),
  },
  [
    ['last', ({ first, last }) => first <= last],
    ['checked', ({ last, checked }) => last <= checked],
    ['form', ({ form, refusal, recognised }) => said(form, refusal, recognised) === 1],
    ['result', ({ result, withheld }) => said(result, withheld) === 1],
    [
      'withheld',
      ({ withheld, findings, leniency, noncooperation, transfers }) =>
        withheld === null || [findings, leniency, noncooperation, transfers].every((array) => array.length === 0),
    ],
    ['leniency', ({ leniency, findings }) => leniency.every(({ finding }) => findings.includes(finding))],
    ['rectify', ({ rectify, last }) => rectify === null || rectify.until >= last],
  ],
);

/** In a correction: the object will not be inspected. */
const CLOSED = record({ closed: reason, no: number });

/** Whether a line closes its object. */
export const isClosing = (line) => 'closed' in line;

/**
 * The lines of a result or a correction.
 *
 * @param {Uint8Array} bytes
 * @param {{digest: string, length: number, root: string, count: number}} listing as the statement says
 * @returns {object[]} sorted by number
 */
export function readOutcomes(bytes, listing) {
  const found = sha256hex(bytes);
  if (found !== listing.digest || bytes.length !== listing.length) {
    throw new Refusal('outcomes-altered', { expected: listing.digest, found });
  }
  const lines = linesOf(bytes);
  if (lines.length > MAX_OUTCOMES) throw bad(lines.length, 'too-many');
  const outcomes = lines.map(readOutcome);
  outcomes.forEach(({ no }, i) => {
    if (i === 0) return;
    const order = compareText(outcomes[i - 1].no, no);
    if (order === 0) throw new Refusal('outcome-twice', { no });
    if (order > 0) throw bad(i + 1, 'not-sorted');
  });
  if (lines.length !== listing.count || rootOfLines(lines) !== listing.root) throw bad(lines.length, 'root-mismatch');
  return outcomes;
}

function linesOf(bytes) {
  try {
    return splitLines(bytes);
  } catch (error) {
    throw error instanceof Refusal ? bad(0, error.code) : error;
  }
}

function readOutcome(line, i) {
  try {
    const value = parseText(line);
    (value !== null && typeof value === 'object' && 'closed' in value ? CLOSED : OUTCOME)(value, '');
    return value;
  } catch (error) {
    throw error instanceof Refusal ? bad(i + 1, error.code) : error;
  }
}

const bad = (line, why) => new Refusal('bad-outcomes', { line, reason: why });
