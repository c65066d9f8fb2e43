/** All else that enters a draw (specs/verification.md §5, no. 12 and 14; specs/announcement.md §1, §3, §4). */

import { readExclusions, readRecusals } from '../core/announcement.mjs';
import { canonical, endOfDay, formatTime, parseTime } from '../core/encoding.mjs';
import { CannotTell, CheckFails } from '../core/errors.mjs';
import { counts, exclusionsOf, looksBack } from '../core/exclusion.mjs';
import { checkFilter, parseFilter } from '../core/filter.mjs';
import { readCarried } from './carried.mjs';
import { lastTime, randomnessOf, settledTime } from './sources.mjs';

const CHINA = 8 * 3600; // ahead of UTC, all year

// --- 12 closed-inputs ----------------------------------------------------------------------------------------------

/** Whether nothing but what was announced, and what the rules yield, can enter the draw. */
export function closedInputs(kase) {
  const { announced, announcement } = kase;
  const plan = kase.plan.statement;
  if (announced.history_size > announcement.index) {
    throw new CheckFails('history-after-announcement', { expected: announcement.index, found: announced.history_size });
  }
  if (canonical(announced.regulation) !== canonical(plan.regulation)) {
    throw new CheckFails('another-regulation', { expected: plan.regulation, found: announced.regulation });
  }
  needWindow(kase, plan);
  const recusals = recusalsOf(kase);
  const exclusions = exclusionsOfFile(kase);
  const made = yielded(kase, plan);
  needSame(exclusions, made);
  for (const rule of plan.rules) checkFilter(parseFilter(rule.filter), kase.rosters.objects.attrs);
  return { exclusions: exclusions.length, recusals: recusals.length, window: announced.window };
}

export const recusalsOf = (kase) => kase.once('recusals', () => readRecusals(kase.artifact(kase.announced.recusals)));

export const exclusionsOfFile = (kase) =>
  kase.once('exclusions', () => readExclusions(kase.artifact(kase.announced.exclusions)));

/** The days on which the plan lets the slots be inspected, and which follow the randomness. */
function needWindow(kase, plan) {
  const { announced } = kase;
  const settled = settledTime(kase, announced);
  if (endOfDay(announced.window) <= settled) {
    throw new CheckFails('window-before-round', { expected: formatTime(settled), found: announced.window });
  }
  const year = new Date((lastTime(kase, announced) + CHINA) * 1000).getUTCFullYear();
  if (year !== plan.year) throw new CheckFails('plan-of-another-year', { expected: year, found: plan.year });
  for (const { slot, first, last: until } of plan.schedule) {
    if (announced.slots.includes(slot) && !(first <= announced.window && announced.window <= until)) {
      throw new CheckFails('window-outside-schedule', { slot, expected: [first, until], found: announced.window });
    }
  }
}

/** The exclusions that the rules yield from the bureau's own chain. */
function yielded(kase, plan) {
  const { announced, history } = kase;
  if (!looksBack(plan, announced.slots)) return [];
  needPast(kase, plan);
  const earlier = earlierDraws(history, kase.newestBelow, plan).map((each) => ({
    plan: each.plan.statement,
    slots: each.announcement.statement.slots,
    drawn: drawnBy(kase, each),
  }));
  const numbers = kase.rosters.objects.rows.map(({ no }) => no);
  return exclusionsOf({ plan, slots: announced.slots, numbers, earlier });
}

/** Refuse a file whose chain may hide an earlier draw of the year. */
function needPast({ announcement, history }, plan) {
  const first = firstOfRun(history.bureaus, announcement);
  if (parseTime(first.statement.time) < parseTime(`${plan.year}-01-01T00:00:00Z`) - CHINA) return;
  if (first.statement.seq > 0) throw new CheckFails('history-cut', { year: plan.year });
  if (first.statement.type === 'key' && first.statement.former !== null) {
    throw new CannotTell('former-log', { found: [first.statement.former.log] });
  }
}

/** The first of the bureau's statements from which on none is missing up to this one. */
function firstOfRun(bureaus, item) {
  let i = bureaus.indexOf(item);
  while (i > 0 && bureaus[i - 1].statement.seq === bureaus[i].statement.seq - 1) i--;
  return bureaus[i];
}

/**
 * The first draw of each announcement under a plan of the same year and objects, of those below an index.
 * @returns {{draw: object, announcement: object, plan: object}[]} items
 */
export function earlierDraws(history, below, plan) {
  const seen = new Set();
  const earlier = [];
  for (const draw of history.byBureau('draw')) {
    const { text } = draw.statement.announcement;
    if (draw.index >= below || seen.has(text)) continue;
    seen.add(text);
    const announcement = history.follow(draw.statement.announcement);
    if (announcement.statement.type !== 'announcement') continue;
    const own = history.follow(announcement.statement.plan);
    if (own.statement.type === 'plan' && counts(plan, { plan: own.statement })) {
      earlier.push({ draw, announcement, plan: own });
    }
  }
  return earlier;
}

/** The items for which each number was drawn, by an earlier draw's result list. */
function drawnBy(kase, { draw, announcement }) {
  const { results } = draw.statement;
  const sealed = announcement.statement.disclosure.kind === 'until';
  if (sealed && !kase.artifacts.has(results.digest) && !isOpened(kase.history, draw, announcement)) {
    throw new CannotTell('earlier-draw-sealed', { slots: announcement.statement.slots });
  }
  const { drawn } = readCarried(kase.artifact(results), sealed);
  return new Map(drawn.map(({ no, strata }) => [no, strata.map(([item]) => item)]));
}

const isOpened = (history, draw, announcement) =>
  history.byBureau('opening').some(({ statement }) => [draw.hash, announcement.hash].includes(statement.of.text));

function needSame(announced, made) {
  const lines = (exclusions) => new Map(exclusions.map((each) => [canonical(each), each.no]));
  const found = lines(announced);
  const expected = lines(made);
  const missingFrom = (there, here) => [...here].filter(([line]) => !there.has(line)).map(([, no]) => no);
  const without = missingFrom(expected, found);
  const left = missingFrom(found, expected);
  if (without.length || left.length) {
    throw new CheckFails('exclusions-differ', { left_out: left, without_rule: without });
  }
}

// --- 14 pulse ------------------------------------------------------------------------------------------------------

/** Whether the pulses are those of the rounds. */
export function pulse(kase) {
  return { rounds: pulsesOf(kase).map(({ beacon, round, randomness }) => [beacon, round, randomness]) };
}

/** What the announced sources gave. */
export const pulsesOf = (kase) =>
  kase.once('pulses', () => {
    const { announcement, draw, file, history } = kase;
    const logged = draw?.statement.pulses ?? null;
    const beside = file.pulses;
    const gave = randomnessOf(kase, announcement, logged ?? beside, history);
    if (logged !== null && beside.length > 0 && canonical(beside) !== canonical(logged)) {
      throw new CheckFails('another-pulse', {});
    }
    return gave;
  });
