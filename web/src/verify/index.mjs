/** Verifying a file: its checks, its findings, one verdict (specs/verification.md, specs/slip.md §3). */

import { readFile } from '../core/bundle.mjs';
import { readOpenings } from '../core/snapshot.mjs';
import { parseTrust } from '../core/trust.mjs';
import { Case } from './case.mjs';
import { BUNDLE_CHECKS, SLIP_CHECKS } from './checks.mjs';
import { findingsOf } from './findings.mjs';
import { finalTeams } from './later.mjs';
import { EXIT_CODES, runChecks, verdictOf } from './report.mjs';
import { drawnTeams } from './result.mjs';

export { artifactsOf } from './later.mjs';

/**
 * A log as core/tiles.mjs reads it, but for artifacts, which are at hand: `artifactsOf` says which may be asked for.
 * @typedef {object} Log
 * @property {(Uint8Array|null)[]} entries null for one that could not be had
 * @property {Uint8Array[]} checkpoints
 * @property {Uint8Array|null} [frozen]
 * @property {(hex: string) => Uint8Array|null} artifact
 */

const WHOLE_LOG = ['no-other-draw', 'later-acts'];

/**
 * Verify a bundle or a slip. Throws a Refusal for what cannot be read: the file, the trust file, the openings.
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} trustBytes the reader's own trust file; nothing of it may come with the file
 * @param {object} how
 * @param {number} how.asOf POSIX seconds, up to which to look
 * @param {boolean} [how.asOfGiven] whether the reader chose that time
 * @param {Log|null} [how.log] the whole log, if there is one
 * @param {boolean} [how.bundleOnly] not to ask whether there was another draw, or what came later
 * @param {Uint8Array|null} [how.openings] opened fields to compare with the rosters
 * @param {((result: object, done: number, of: number) => void)|null} [how.progress] is told of each check
 * @returns {object} the report
 */
export const verifyFile = (bytes, trustBytes, how) => examine(bytes, trustBytes, how).report;

/** The report, and the case that it rests on, for a page that answers about single numbers afterwards. */
export function examine(bytes, trustBytes, how) {
  const { asOf, asOfGiven = false, log = null, bundleOnly = false, openings = null, progress = null } = how;
  const trust = parseTrust(trustBytes);
  const file = readFile(bytes);
  const kase = new Case(file, trust, { asOf, log, openings: openings === null ? [] : readOpenings(openings) });
  const slip = file.type === 'slip';
  const notAsked = new Set(bundleOnly || (slip && log === null) ? WHOLE_LOG : []);
  const checks = runChecks(slip ? SLIP_CHECKS : BUNDLE_CHECKS, kase, { notAsked, progress });
  const verdict = verdictOf(checks);
  const report = {
    v: 0,
    kind: file.type,
    subject: file.draw ?? file.announcement,
    verdict,
    exit_code: EXIT_CODES[verdict],
    trust: trust.digest,
    as_of: asOf,
    as_of_given: asOfGiven,
    rehearsal: trust.rehearsal,
    checks,
    findings: findingsOf(kase, checks),
    drawn: drawnTeams(kase),
    final: finalTeams(kase),
  };
  return { kase, report };
}
