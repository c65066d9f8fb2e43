/** How a report is read: which verdict is shown, which checks come first, what the numbers in it are. Pure. */

import { formatTime } from '../core/encoding.mjs';

const SHORT = 16; // digits of a hash within a sentence; where it stands alone it is whole
const HASH = /^[0-9a-f]{64}$/;
const TIMES = ['as_of', 'claimed', 'cosigned', 'limit', 'round', 'shown', 'time'];
const YEAR_2001 = 1_000_000_000; // POSIX seconds: below, a number in a time's place is a beacon's round or a count
const LAST_TIME = 253_402_300_799;
const BEIJING = 8 * 3600; // UTC+8 all year (specs/encoding.md §4)

const LOG_CHECKS = ['no-other-draw', 'later-acts'];
const RESULT_CHECKS = ['quotas', 'selection', 'assignment', 'record-logged', 'record-matches'];

/** The checks of a report by code. */
export const checksOf = (report) => new Map(report.checks.map((check) => [check.code, check]));

/**
 * The verdict as a page shows it: that of specs/verification.md §8, of which `sealed` is the unknown one in which
 * everything but the sealed content holds.
 */
export function shownVerdict(report) {
  return report.verdict === 'unknown' && sealedUntil(report) ? 'sealed' : report.verdict;
}

/** The date until which all that is not yet known is sealed, or null. */
export function sealedUntil(report) {
  const sealed = report.checks.find((check) => check.reason === 'sealed-until');
  const waits = ({ state, reason, depends }) =>
    state === 'holds' || state === 'not-asked' || reason === 'sealed-until' || depends === 'disclosure';
  return sealed && report.checks.every(waits) ? sealed.evidence.date : null;
}

/** How one check is shown: as its state, but that one which waits for another has no sign of its own. */
export const shownState = (check) => (check.depends ? 'waits' : check.state === 'not-asked' ? 'waits' : check.state);

/** The verdict's sentence: `[section, code, params]`. */
export function headline(report) {
  const count = report.checks.filter((check) => check.state === report.verdict).length;
  if (shownVerdict(report) === 'sealed') return ['verdict', 'sealed', { date: sealedUntil(report) }];
  return ['verdict', (report.kind === 'slip' ? 'slip-' : '') + report.verdict, { count }];
}

/** Whether the reader asked for the file alone: then nobody looked for another draw. */
export const isFileAlone = (report) =>
  report.kind === 'bundle' &&
  checksOf(report).get('no-other-draw')?.state === 'not-asked';

/** Whether all that is not known is what the log would tell. */
export const lacksOnlyTheLog = (report) =>
  report.verdict === 'unknown' &&
  report.checks.every(
    (check) => check.state !== 'unknown' || (LOG_CHECKS.includes(check.code) && check.reason === 'no-log'),
  );

/** When a slip's verdict ends: the time up to which later acts were looked for, or of the log that it shows. */
export function lookedUntil(report) {
  const checks = checksOf(report);
  const later = checks.get('later-acts')?.state;
  if (later === 'holds' || later === 'fails') return ['later-acts', report.as_of];
  return ['later-acts-not', checks.get('witness-quorum')?.evidence.time ?? null];
}

/**
 * Who inspects in the end, by object: after all substitutions, where the whole log was read and they could be followed.
 */
export const finalTeams = (report) => new Map(report.final.length ? report.final : report.drawn);

/** Whether the draw that was made again equals the published one in every item. */
export const isSame = (report) =>
  report.verdict !== 'fails' && checksOf(report).get('record-matches')?.state === 'holds';

/** Whether the published result itself was compared and found to be that of the rules, whatever else failed. */
export const resultAgrees = (report) => RESULT_CHECKS.every((code) => checksOf(report).get(code)?.state === 'holds');

/**
 * The steps that the reader can follow in time: `[code, seconds or null]`. The announcement was locked at the latest
 * when the quorum had cosigned it; the result was in the log at the latest when it had cosigned the final checkpoint.
 */
export function timeline(report) {
  const checks = checksOf(report);
  const order = checks.get('announcement-before-pulse');
  const steps = [];
  if (order?.state === 'holds') steps.push(['locked', order.evidence.cosigned], ['pulse', order.evidence.round]);
  const quorum = checks.get('witness-quorum');
  if (checks.get('record-logged')?.state === 'holds' && quorum?.state === 'holds') {
    steps.push(['logged', quorum.evidence.time]);
  }
  return steps.filter(([, time]) => Number.isSafeInteger(time));
}

/** Evidence as people read it within a sentence: hashes cut, times written out, long lists counted. */
export function shortened(evidence, more) {
  const out = {};
  for (const [name, value] of Object.entries(evidence)) out[name] = short(name, value, more);
  return out;
}

function short(name, value, more) {
  if (isTime(name, value)) return beijing(value);
  if (typeof value === 'string') return HASH.test(value) ? value.slice(0, SHORT) + '…' : value;
  if (Array.isArray(value)) {
    const told = value.slice(0, SHORT).map((item) => short('', item, more));
    return value.length > SHORT ? [...told, more(value.length - SHORT)] : told;
  }
  if (value !== null && typeof value === 'object') return shortened(value, more);
  return value;
}

export const isHash = (value) => typeof value === 'string' && HASH.test(value);

const isTime = (name, value) =>
  TIMES.includes(name) && Number.isSafeInteger(value) && value >= YEAR_2001 && value <= LAST_TIME;

/** A time on the clocks of China, where every date of the rules ends (specs/encoding.md §4). */
export const beijing = (seconds) =>
  `${formatTime(seconds + BEIJING)
    .replace('T', ' ')
    .replace('Z', '')} +08:00`;

/** A report in one line with sorted names, as `fairdraw verify --json` writes it. */
export const reportLine = (report) => `${JSON.stringify(sorted(report))}\n`;

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  // `fromEntries` makes own properties, so that a field named __proto__ stays a field.
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}

/** What of a report of drawn objects a search finds: numbers that contain the text, whatever their case. */
export function matching(drawn, text) {
  const wanted = text.trim().toUpperCase();
  if (!wanted) return drawn;
  return drawn.filter(([no, team]) => [no, ...team].some((number) => number.toUpperCase().includes(wanted)));
}
