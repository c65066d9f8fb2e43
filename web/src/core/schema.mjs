/** Every type of statement, field by field (specs/statements.md §2, §3). */

import { parse } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { plan } from './planschema.mjs';
import {
  artifact, boolean, count, date, fieldName, hash, id, integer, kinds, listing, listOf, matching, name, nullOr, number,
  oneOf, positive, pulse, reason, record, ref, slot, source, text, time, tuple, vkey,
} from './values.mjs';

/** The fields of every statement (specs/statements.md §2). */
const HEADER = {
  v: oneOf(0),
  type: text(),
  log: name,
  bureau: name,
  by: name,
  with: listOf(name),
  seq: count,
  prev: nullOr(hash),
  time,
};

/** A type of statement: the fields it has besides those of every statement, and what holds between its fields. */
const type = (fields, rules) => record({ ...HEADER, ...fields }, rules);

const attributes = listOf(tuple(fieldName, oneOf('string', 'integer', 'boolean', 'strings')), {
  sorted: true,
  by: ([field]) => field,
});

const contributor = record({ name, commitment: ref, required: boolean });

const seed = kinds({
  published: record({ kind: text(), digits: matching(/^[0-9A-Za-z]{0,200}$/) }),
  committed: record({ kind: text(), contributors: listOf(contributor, { least: 1 }), minimum: count }),
});

const disclosure = kinds({
  'at-once': record({ kind: text() }),
  until: record({ kind: text(), date, embargo: hash }),
});

/** specs/beacon.md §11: a beacon named twice would count as two. */
const sources = listOf(source, { least: 1, most: 8, distinct: true, by: ({ beacon }) => beacon });

const block = tuple(number, count, positive);

/** By their names, in the order of specs/statements.md §3. */
const TYPES = new Map(Object.entries({
  'key': type(
    { old: text(), new: text(), former: nullOr(record({ log: name, index: count, text: hash })) },
    [['with', (self) => self.with.length === 0]], // its lines are the two keys', and nobody else's
  ),
  'item-list': type({ items: artifact, regulation: nullOr(artifact), reason: nullOr(reason) }),
  'plan': type(plan.fields, plan.rules),
  'snapshot': type({
    registry: id,
    roster: listing,
    published: boolean,
    attrs: attributes,
    private: listOf(tuple(fieldName, boolean), { distinct: true, by: ([field]) => field }),
    left_out: nullOr(record({ digest: hash, length: count, count })),
  }),
  'receipt': type({ snapshot: ref, digest: hash, openings: boolean }),
  'announcement': type({
    slots: listOf(slot, { least: 1, sorted: true }),
    plan: ref,
    objects: ref,
    inspectors: ref,
    joint: listOf(ref),
    recusals: artifact,
    exclusions: artifact,
    beacon: sources,
    seed,
    disclosure,
    window: date,
    margin: integer(0, 31_536_000),
    history_size: count,
    regulation: nullOr(artifact),
    replaces: nullOr(ref),
  }),
  'commitment': type({ slot, commitment: hash }),
  'reveal': type({ commitment: ref, seed: hash }),
  'reveals-closed': type({ announcement: ref, reveals: listOf(nullOr(ref)) }),
  'deposit': type({ slot, embargo: hash }),
  'withdrawal': type({ digest: hash, reason }),
  'draw': type({
    announcement: ref,
    pulses: listOf(pulse),
    key: nullOr(hash),
    results: listing,
    counts: record({ objects: count, inspectors: count, strata: count, drawn: count }),
    blocks: nullOr(listOf(block)),
    pool: nullOr(count),
  }),
  'sign-off': type({ of: ref, role: reason }),
  'substitution-call': type({
    draw: ref,
    vacancy: artifact,
    declaration: hash,
    reason,
    beacon: sources,
    margin: count,
    embargo: nullOr(hash),
  }),
  'substitution': type({ call: ref, pulses: listOf(pulse), key: nullOr(hash), result: artifact }),
  'deferral': type({ draw: ref, deferred: artifact, application: hash, reason, until: date }),
  'exception': type({ reason, inspection: artifact, draw: nullOr(ref) }),
  'void': type({ announcement: ref, reason, pulses: listOf(pulse) }),
  'evidence': type({ of: ref, files: listOf(artifact, { least: 1 }) }),
  'result': type({ draw: ref, outcomes: listing }),
  'correction': type({ result: ref, outcomes: listing, reason }),
  'objection': type({ of: ref, about: oneOf('grade', 'result'), by_whom: artifact, objection: hash }),
  'answer': type({ objection: ref, decision: oneOf('upheld', 'rejected'), answer: hash }),
  'opening': type({ of: ref, artifact, key: nullOr(hash), embargo: nullOr(hash) }),
  'verifier-release': type({ page: artifact, version: id }),
  'loss': type({ key: vkey, reason: oneOf('lost', 'stolen', 'destroyed') }),
}));

/** The names of the types. */
export const STATEMENT_TYPES = [...TYPES.keys()];

/**
 * The statement of a text: one line of canonical JSON and LF, with exactly the fields of its type.
 * @param {Uint8Array} bytes the text with its LF
 * @returns {object} frozen, in every part
 */
export function parseStatement(bytes) {
  if (bytes[bytes.length - 1] !== 0x0a) throw new Refusal('unfinished-line');
  let statement;
  try {
    statement = parse(bytes.subarray(0, -1));
  } catch (error) {
    throw new Refusal('not-canonical-json', { reason: error.code });
  }
  const check = TYPES.get(statement?.type);
  if (!check || Array.isArray(statement)) throw new Refusal('unknown-type', { found: statement?.type });
  check(statement, '');
  return frozen(statement);
}

function frozen(value) {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
