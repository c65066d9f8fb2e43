/** What a reader should know beside the checks; none of it changes the verdict (specs/verification.md §7). */

import { roundTime } from '../core/beacon.mjs';
import { voidAllowed } from '../core/conduct.mjs';
import { endOfDay, formatTime } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { singledOut } from '../core/quota.mjs';

const DAY = 86400;

const finding = (code, evidence) => ({ code, evidence });

/**
 * The findings, as far as the checks could come.
 * @param {object} kase
 * @param {import('./report.mjs').Result[]} checks
 */
export function findingsOf(kase, checks) {
  const holds = new Set(checks.filter(({ state }) => state === 'holds').map(({ code }) => code));
  const isAsked = (code) => checks.some((check) => check.code === code && check.reason !== 'depends');
  const whole = kase.known('whole');
  return [
    ...(isAsked('disclosure') ? told(() => ofOpening(kase)) : []),
    ...ofStrata(kase.known('strata')),
    ...ofTeams(kase.known('outcome')),
    ...(holds.has('no-other-draw') ? [...announcedAgain(kase, whole), ...overdue(kase, whole)] : []),
    ...(whole ? told(() => unannounced(kase, whole)) : []),
    ...(holds.has('bureau-chain') ? ofSequences((whole ?? kase).history) : []),
    ...kase.found,
    ...ofRegulation(kase.known('regulation')),
  ];
}

/** What findings there are, or none where what they rest on is not at hand: then a check says so. */
function told(find) {
  try {
    return find();
  } catch (error) {
    if (error instanceof Refusal || error instanceof CheckFails || error instanceof CannotTell) return [];
    throw error;
  }
}

// --- the draw itself -----------------------------------------------------------------------------------------------

function ofStrata(made) {
  if (made === null) return [];
  const { floors, strata } = made;
  const single = strata
    .filter(singledOut)
    .map(({ item, values, quota, base }) => finding('singled-out', { item, stratum: values, drawn: quota, base }));
  const short = strata
    .filter(({ wanted, quota }) => quota < wanted)
    .map(({ item, values, wanted, quota }) =>
      finding('quota-short', { item, stratum: values, expected: wanted, found: quota }),
    );
  const below = floors
    .filter(({ needed, reached }) => reached < needed)
    .map(({ item, of, needed, reached }) => finding('below-floor', { item, of, expected: needed, found: reached }));
  return [...single, ...short, ...below];
}

function ofTeams(outcome) {
  if (outcome === null) return [];
  const { forced, eligible } = outcome.assignment;
  return forced.map((object) => finding('forced-team', { eligible: eligible.get(object), object }));
}

/** A regulation that is none of those known: its name says nothing. */
function ofRegulation(named) {
  if (named === null || named.genuine !== null) return [];
  const { digest, id } = named.regulation;
  return [finding('unknown-regulation', { digest, regulation: id })];
}

// --- when a sealed result was opened -------------------------------------------------------------------------------

function ofOpening({ announced, announcement, asOf, draw, history }) {
  if (announced.disclosure.kind !== 'until') return [];
  const of = new Set([announcement.hash, draw?.hash]);
  const opening = history.byBureau('opening').find(({ statement }) => of.has(statement.of.text));
  const { date } = announced.disclosure;
  const end = endOfDay(date);
  if (!opening) return end <= asOf ? [finding('not-opened-in-time', { date })] : [];
  const shown = history.shown(opening.index)?.order ?? null;
  // A day later than it began in China would be a day on which whoever was drawn could prepare.
  if (shown !== null && shown < end - DAY) return [finding('opened-early', { date: formatTime(end), shown })];
  if (shown === null || shown >= end) return [finding('opened-late', { date: formatTime(end), shown })];
  return [];
}

// --- what the log shows beside -------------------------------------------------------------------------------------

/** Two texts of one supervisor with one number: misconduct by itself. */
function ofSequences({ others }) {
  const seen = new Map();
  const found = [];
  for (const { index, statement } of others) {
    const place = `${statement.by} ${statement.seq}`;
    if (seen.has(place)) {
      found.push(finding('two-texts-one-seq', { name: statement.by, seq: statement.seq, index }));
    } else seen.set(place, index);
  }
  return found;
}

/** Further announcements of the slots. */
const announcedAgain = ({ announced, announcement }, { slots }) =>
  announced.slots.flatMap((slot) =>
    slots
      .announcementsOf(slot)
      .filter(({ hash }) => hash !== announcement.hash)
      .map(({ index }) => finding('announced-again', { index, slot })),
  );

/** Voids of announcements of the slots, for reasons that nobody had announced. */
function unannounced({ announced }, { history, slots }) {
  const plan = history.byText.get(announced.plan.text)?.statement;
  if (plan?.type !== 'plan') return [];
  const announcements = new Set(announced.slots.flatMap((slot) => slots.announcementsOf(slot)));
  const expected = plan.voids;
  return [...announcements]
    .flatMap((item) => slots.voidsOf(item))
    .filter(({ statement }) => !voidAllowed(plan, statement.reason))
    .map(({ index, statement }) => finding('void-unannounced-reason', { expected, found: statement.reason, index }));
}

/**
 * Announcements of the same plan and item without a draw though their rounds are past: else a bureau could announce two
 * batches, look at the outcome of the first, and go on with the second.
 */
function overdue(kase, { freshness, history, slots }) {
  const { announced, announcement, draw } = kase;
  const batchOf = (slot) => slot.slice(0, slot.lastIndexOf('/'));
  const batches = new Set(announced.slots.map(batchOf));
  const isThis = (item) => item.hash === announcement.hash;
  const hasOwnSlot = (item) => item.statement.slots.some((slot) => announced.slots.includes(slot));
  const draws = draw === null ? history.byBureau('draw') : [draw, ...history.byBureau('draw')];
  const drawn = new Set(draws.map(({ statement }) => statement.announcement.text));
  return history
    .byBureau('announcement')
    .filter((item) => item.statement.slots.some((slot) => batches.has(batchOf(slot))))
    .filter((item) => isThis(item) || (!hasOwnSlot(item) && !isEcho(slots, item)))
    .filter((item) => isPast(kase, item.statement, freshness))
    .filter((item) => !drawn.has(item.hash) && !slots.voidsOf(item).some((each) => slots.isFree(each)))
    .map(({ index, statement }) => finding('overdue-draw', { index, slots: statement.slots }));
}

/** An announcement that names no void, and whose slots all have an earlier one: it counts for nothing. */
const isEcho = (slots, item) =>
  item.statement.replaces === null &&
  item.statement.slots.every((slot) => slots.announcementsOf(slot)[0].index < item.index);

/** Whether the last of its rounds is past, as far as their chains are in the trust file. */
function isPast({ trust }, { beacon }, time) {
  const known = beacon.filter(({ beacon: id, hash }) => trust.beacons.get(id)?.hash === hash);
  return known.length > 0 && known.every(({ beacon: id, round }) => roundTime(trust.beacons.get(id), round) <= time);
}
