/** What an announcement names: recusals, exclusions, and until when all must be seen (specs/announcement.md §2, §3). */

import { compareText, parseText, splitLines } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { earliestTime } from './randomness.mjs';
import { hash, id, nullOr, number, oneOf, reason, record } from './values.mjs';

const recusal = record({
  declarer: oneOf('object', 'inspector', 'bureau'),
  form: nullOr(hash),
  inspector: number,
  object: number,
  reason,
});

const exclusion = record({ item: nullOr(id), no: number, reason: oneOf('yearly-cap', 'drawn-before') });

/**
 * The recusals of a list artifact.
 * @returns {{declarer: string, form: ?string, inspector: string, object: string, reason: string}[]}
 */
export const readRecusals = (bytes) => readList(bytes, recusal, 'recusals');

/** The exclusions of a list artifact. @returns {import('./quota.mjs').Exclusion[]} */
export const readExclusions = (bytes) => readList(bytes, exclusion, 'exclusions');

/** Lines of one shape, rising bytewise: in any other order one list would have several digests. */
function readList(bytes, shape, what) {
  try {
    const lines = splitLines(bytes);
    return lines.map((line, i) => {
      if (i > 0 && compareText(lines[i - 1], line) >= 0) throw new Refusal('list-not-sorted', { line: i + 1 });
      const row = parseText(line);
      shape(row, `line ${i + 1}`);
      return row;
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('bad-list', { what, reason: error.code, ...error.params });
  }
}

/**
 * The limit (specs/announcement.md §2): before it, whatever waits for the round must be cosigned.
 * @param {{beacon: object[], margin: number}} announcement or substitution call
 * @param chains those of the reader's trust file
 * @param {number} minimum the reader's own margin
 */
export const limitOf = ({ beacon, margin }, chains, minimum) =>
  earliestTime(beacon, chains) - Math.max(margin, minimum);
