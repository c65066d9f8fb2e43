/** What a draw leaves behind: a result list and a `draw` statement, both functions of the inputs (specs/record.md). */

import { canonical, digestText, parse, parseText, sha256hex, splitLines, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { rootOfLines } from './merkle.mjs';
import { count, hash, id, listOf, nullOr, number, record, single, text, tuple } from './values.mjs';

const stratumLine = record({
  item: id,
  stratum: listOf(single),
  total: count,
  base: count,
  eligible: count,
  excluded: count,
  quota: count,
  derivation: text(),
  cutoff: nullOr(hash),
});

const drawnLine = record({
  no: number,
  strata: listOf(tuple(id, listOf(single))),
  ticket: hash,
  eligible: count,
  team: listOf(tuple(text(), number)),
  experts: listOf(number),
  attempt: count,
});

// --- the result list (§1) --------------------------------------------------------------------------------------------

/**
 * The lines of the result list.
 * @param {{strata: object[], selection: {drawn: object[], cutoffs: (string|null)[]},
 *   assignment: import('./assignment.mjs').Assignment}} outcome
 * @returns {string[]}
 */
export function resultLines({ strata, selection, assignment }) {
  const ofStrata = strata.map((stratum, i) => ({
    item: stratum.item,
    stratum: stratum.values,
    total: stratum.total,
    base: stratum.base,
    eligible: stratum.eligible.length,
    excluded: stratum.base - stratum.eligible.length,
    quota: stratum.quota,
    derivation: stratum.derivation,
    cutoff: selection.cutoffs[i],
  }));
  const ofDrawn = selection.drawn.map(({ no, ticket, strata: places }) => ({
    no,
    strata: places.map((place) => [strata[place].item, strata[place].values]),
    ticket,
    eligible: assignment.eligible.get(no),
    team: assignment.teams.get(no),
    experts: assignment.experts.get(no) ?? [],
    attempt: assignment.attempts.get(no),
  }));
  return [...ofStrata, ...ofDrawn].map((line) => canonical(line));
}

/**
 * A line of a result list: that of a drawn object if it has a field `ticket`, else that of a stratum.
 * @param {string} line without its LF
 */
export function readResultLine(line) {
  const value = parseText(line);
  const drawn = typeof value === 'object' && value !== null && 'ticket' in value;
  try {
    (drawn ? drawnLine : stratumLine)(value, '');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('bad-result-line', error.params);
  }
  return value;
}

/** The lines of a result list, by kind, each in its order. @returns {{strata: object[], drawn: object[]}} */
export const readResultList = (bytes) => sortLines(splitLines(bytes));

function sortLines(lines) {
  const values = lines.map(readResultLine);
  return {
    strata: values.filter((value) => !('ticket' in value)),
    drawn: values.filter((value) => 'ticket' in value),
  };
}

// --- sealed (§3) -----------------------------------------------------------------------------------------------------

/** Keeps anybody from trying out results against the digest of a sealed artifact. */
export const nonceOf = (embargo) => digestText(`fairdraw/v1/nonce\n${embargo}\n`);

const sealResult = ({ lines, blocks, pool, embargo }) =>
  canonical([nonceOf(embargo), { blocks, lines: lines.map(parseText), pool }]);

/** The lines of a sealed result, by kind. Whether the seal is right is for a comparison of bytes to say. */
export function readSealedResult(bytes) {
  const value = parse(bytes);
  const lines = Array.isArray(value) && value.length === 2 ? value[1]?.lines : null;
  if (!Array.isArray(lines)) throw new Refusal('bad-sealed-artifact');
  return sortLines(lines.map((line) => canonical(line)));
}

// --- the statement (§2) ----------------------------------------------------------------------------------------------

/** The fields that a verifier cannot make again. */
const NOT_MADE = new Set(['seq', 'prev', 'time', 'with']);

/**
 * The `draw` statement as the bureau signs it alone, but for its `seq`, `prev` and `time`, with the result list's lines
 * and artifact.
 * @param {{announcement: {statement: object, hash: string, index: number}, pulses: object[], key: string,
 *   embargo: string|null, outcome: object}} inputs
 * @returns {{statement: object, lines: string[], artifact: string}}
 */
export function makeRecord({ announcement, pulses, key, embargo, outcome }) {
  const { log, bureau } = announcement.statement;
  const { blocks, pool } = outcome.assignment;
  const lines = resultLines(outcome);
  const sealed = embargo !== null;
  const artifact = sealed
    ? sealResult({ lines, blocks, pool, embargo })
    : lines.map((line) => `${line}\n`).join('');
  const bytes = utf8(artifact);
  const statement = {
    v: 0,
    type: 'draw',
    log,
    bureau,
    by: bureau,
    with: [],
    announcement: { index: announcement.index, text: announcement.hash },
    pulses,
    key: sealed ? null : key,
    results: { root: rootOfLines(lines), count: lines.length, digest: sha256hex(bytes), length: bytes.length },
    counts: outcome.counts,
    blocks: sealed ? null : blocks,
    pool: sealed ? null : pool,
  };
  return { statement, lines, artifact };
}

/** The names of the fields in which a logged `draw` statement is not the one that was made again. */
export function differingFields(logged, made) {
  const names = new Set([...Object.keys(logged), ...Object.keys(made)]);
  return [...names].filter((name) => !NOT_MADE.has(name) && canonical(logged[name]) !== canonical(made[name])).sort();
}

// --- for eyes (§4) ---------------------------------------------------------------------------------------------------

/** A text hash in five groups of four digits: it finds mistakes, and authenticates nothing. */
export const fingerprint = (hex) =>
  BigInt(`0x${hex}`).toString().padStart(78, '0').slice(0, 20).match(/.{4}/g).join(' ');
