/** Seeds that were committed to, and results that were sealed (specs/verification.md §5, no. 15 and 16). */

import { compareText, endOfDay } from '../core/encoding.mjs';
import { CannotTell, CheckFails } from '../core/errors.mjs';
import { isSupervisor } from '../core/roles.mjs';
import { embargoCommitment, seedCommitment } from '../core/seed.mjs';
import { limitOf } from './sources.mjs';

const DEPOSITARIES = 2; // one alone could lose the key (specs/seed.md §4)

// --- 15 seed -------------------------------------------------------------------------------------------------------

/** Whether the seeds are those that were committed to. */
export function seed(kase) {
  const seeds = seedsOf(kase, kase.announcement, kase.history);
  return { kind: kase.announced.seed.kind, seeds: seeds.map(([name, hex]) => [name, hex ?? '-']) };
}

/**
 * The seeds of an announcement, in announced order; null for a contributor whose reveal does not count
 * (specs/seed.md §2).
 * @returns {[string, string|null][]}
 */
export function seedsOf(kase, announcement, history) {
  const { statement } = announcement;
  if (statement.seed.kind === 'published') return [];
  const { contributors, minimum } = statement.seed;
  const commitments = contributors.map((contributor) => commitmentOf(kase, announcement, contributor, history));
  needDifferent(contributors.map(({ name }) => name));
  needDifferent(commitments.map((item) => item.statement.commitment));
  const reveals = closedReveals(kase, announcement, history);
  const seeds = contributors.map(({ name }, i) => [name, revealedSeed(reveals, i, name, commitments[i], history)]);
  contributors.forEach(({ name, required }, i) => {
    if (required && seeds[i][1] === null) throw new CheckFails('required-seed-missing', { name });
  });
  const found = seeds.filter(([, hex]) => hex !== null).length;
  if (found < minimum) throw new CheckFails('too-few-reveals', { expected: minimum, found });
  return seeds;
}

function commitmentOf(kase, announcement, { name, commitment }, history) {
  const item = history.follow(commitment);
  const { by, slot, type } = item.statement;
  if (!kase.trust.supervisors.has(name) || type !== 'commitment' || item.objection) {
    throw new CheckFails('unknown-person', { name });
  }
  if (by !== name || !announcement.statement.slots.includes(slot) || item.index >= announcement.index) {
    throw new CheckFails('commitment-of-another', { name });
  }
  return item;
}

/** Who repeats another's commitment could repeat the reveal, and add nothing. */
function needDifferent(values) {
  if (new Set(values).size < values.length) {
    throw new CheckFails('equal-commitments', { found: values.find((value, i) => values.indexOf(value) < i) });
  }
}

/** The bureau's list of reveals, closed before anybody could know which of them to leave out; null without one. */
function closedReveals(kase, { hash, statement }, history) {
  const closed = history.byBureau('reveals-closed').find((item) => item.statement.announcement.text === hash);
  if (!closed) return null;
  if (!history.obeysOrder(closed.index, limitOf(kase, statement))) {
    throw new CheckFails('reveals-late', { index: closed.index });
  }
  const expected = statement.seed.contributors.length;
  const found = closed.statement.reveals.length;
  if (found !== expected) throw new CheckFails('reveals-do-not-fit', { expected, found });
  return closed;
}

function revealedSeed(closed, i, name, commitment, history) {
  const ref = closed?.statement.reveals[i] ?? null;
  if (ref === null) return null;
  const { index, objection, statement } = history.follow(ref);
  if (statement.type !== 'reveal' || objection || index >= closed.index) {
    throw new CheckFails('not-a-reveal', { index });
  }
  if (statement.by !== name || statement.commitment.text !== commitment.hash) {
    throw new CheckFails('reveal-of-another', { index, name });
  }
  const { commitment: expected, slot } = commitment.statement;
  if (seedCommitment({ slot, name, seed: statement.seed }) !== expected) {
    throw new CheckFails('reveal-does-not-open', { index, name });
  }
  return statement.seed;
}

// --- 16 disclosure -------------------------------------------------------------------------------------------------

/** Whether the result may be known, and is. */
export function disclosure(kase) {
  const { kind, date, embargo } = kase.announced.disclosure;
  const found = kase.file.embargo;
  if (kind === 'at-once') {
    if (found !== null) throw new CheckFails('another-embargo', { expected: null, found });
    return { kind };
  }
  const depositaries = depositariesOf(kase, embargo);
  if (depositaries.length < DEPOSITARIES) {
    throw new CheckFails('too-few-deposits', { expected: DEPOSITARIES, found: depositaries });
  }
  const key = embargoKey(kase);
  if (key === null) {
    if (endOfDay(date) <= kase.asOf) throw new CannotTell('overdue-opening', { date });
    throw new CannotTell('sealed-until', { date, depositaries });
  }
  const made = embargoCommitment({ slot: kase.announced.slots[0], embargo: key });
  if (made !== embargo) throw new CheckFails('another-embargo', { expected: embargo, found: made });
  return { date, depositaries, kind };
}

function depositariesOf(kase, embargo) {
  const { announced, history, trust } = kase;
  const limit = limitOf(kase, announced);
  const deposits = history
    .byOthers('deposit')
    .filter(({ statement }) => statement.embargo === embargo && statement.slot === announced.slots[0])
    .filter(({ index, statement }) => isSupervisor(trust, statement.by) && history.obeysOrder(index, limit));
  return [...new Set(deposits.map(({ statement }) => statement.by))].sort(compareText);
}

/** The bureau's first opening of the draw, or of its announcement, that has an embargo key; or null. */
function openingOf({ announcement, draw, history }) {
  const own = new Set([announcement.hash, draw?.hash]);
  const opens = ({ statement: { embargo, of } }) => own.has(of.text) && embargo !== null;
  return history.byBureau('opening').find(opens) ?? null;
}

/** The embargo key, of the file (a depositary's) or else of the opening; null where there is none yet. */
export const embargoKey = (kase) => kase.file.embargo ?? openingOf(kase)?.statement.embargo ?? null;

/** The draw's key, if an opening says one: it must be that which the inputs make. */
export const openedKey = (kase) => openingOf(kase)?.statement.key ?? null;
