/** The whole log up to what a quorum vouches for, and whether it has another draw (specs/verification.md §4.4). */

import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { looksBack } from '../core/exclusion.mjs';
import { openFrozen } from '../core/frozen.mjs';
import { sameHash } from '../core/merkle.mjs';
import { readEntry } from '../core/statement.mjs';
import { History, prefixOf } from './history.mjs';
import { earlierDraws } from './inputs.mjs';
import { walk } from './keys.mjs';
import { needRoots, openSigned, prefixesOf, proven } from './opening.mjs';
import { refusedAs } from './report.mjs';
import { needSlots, Slots } from './slots.mjs';
import { checkNext } from './standing.mjs';

/**
 * The statements of the whole log. What the log signed above its largest checkpoint with an order time may still be
 * growing, and is left aside.
 * @returns {{size: number, freshness: number, history: History, slots: Slots}}
 */
export const wholeLog = (kase) => kase.once('whole', () => readWhole(kase));

function readWhole(kase) {
  const { asOf, final, log, trust } = kase;
  if (log === null) throw new CannotTell('no-log');
  const end = endOf(kase);
  const opened = log.checkpoints.map((bytes) => openSigned(kase, bytes));
  const prefixes = opened.map(({ size, cosignatures }) => prefixOf(trust, size, cosignatures));
  const vouched = prefixes.filter(({ order }) => order !== null);
  const size = largest(vouched);
  if (log.entries.length < size) throw new CheckFails('entry-unavailable', { index: log.entries.length });
  needRoots(kase, opened.filter((one) => one.size <= size));
  if (end !== null) needEnd(end, opened);
  if (size < final.size) throw new CannotTell('log-behind', { expected: final.size, found: size });
  const newest = vouched.filter((prefix) => prefix.size === size);
  const freshness = newest.reduce((latest, prefix) => Math.max(latest, prefix.freshness), -Infinity);
  // Of a log that has ended nobody signs that it is still the newest.
  if (freshness < asOf - trust.freshness && size !== end?.size) {
    throw new CannotTell('stale', { as_of: asOf, cosigned: freshness, freshness: trust.freshness });
  }
  const history = new History(statementsOf(kase, size), {
    bureau: kase.file.bureau,
    prefixes: [...prefixes.filter((prefix) => prefix.size <= size), ...prefixesOf(kase)],
  });
  return { size, freshness, history, slots: new Slots(kase, history) };
}

const largest = (checkpoints) => checkpoints.reduce((most, { size }) => Math.max(most, size), 0);

/** How the log ended, by its own last word (specs/log.md §6); null of one that goes on. */
function endOf({ file, log, trust }) {
  if (!log.frozen) return null;
  const keys = trust.logs.filter(({ name }) => name === file.log);
  return refusedAs('bad-checkpoint', {}, () => openFrozen(log.frozen, keys));
}

/** Refuse a log that said that it ended, and went on or ended otherwise. */
function needEnd(end, checkpoints) {
  for (const { size, root } of checkpoints) {
    if (size > end.size) throw new CheckFails('grown-after-freeze', { expected: end.size, found: size });
    if (size === end.size && !sameHash(root, end.root)) {
      throw new CheckFails('frozen-differs', { expected: end.size, found: size });
    }
  }
  if (!checkpoints.some(({ size }) => size === end.size)) {
    throw new CannotTell('log-behind', { expected: end.size, found: largest(checkpoints) });
  }
}

/** The statements among the entries: the log knows only bytes, and others may stand in it. */
function statementsOf(kase, size) {
  const items = [];
  kase.log.entries.slice(0, size).forEach((bytes, index) => {
    try {
      const entry = readEntry(bytes);
      items.push({ index, entry, hash: entry.hash, statement: entry.statement, objection: null });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  });
  const { bureau } = kase.file;
  const judged = walk(items, kase.trust, kase.file);
  const untold = judged.find(({ objection, statement }) => statement.by === bureau && objection instanceof CannotTell);
  if (untold) throw untold.objection;
  return judged;
}

/** Whether the whole log has no other draw, and no number is missing. */
export function noOtherDraw(kase) {
  const { announced, announcement, asOf, draw, file } = kase;
  const { history, size, slots } = wholeLog(kase);
  if (kase.file.type === 'bundle') needWholePast(kase, history, slots);
  for (const { hash, index } of kase.history.counted) {
    // Else a file that leaves out a change of key would let the old key go on beside the log's own chain.
    const there = history.byText.get(hash);
    if (!there || there.objection) throw new CheckFails('counts-in-the-file-alone', { index });
  }
  needFormer(kase, history);
  history.bureaus.forEach((item, i) => {
    if (i === 0 && item.statement.seq !== 0) {
      throw new CheckFails('chain-broken', { index: item.index, expected: 0, found: item.statement.seq });
    }
    checkNext(history.bureaus[i - 1], item, false);
  });
  needSlots(slots, announced.slots, announcement);
  for (const slot of announced.slots) {
    const announcements = new Set(slots.announcementsOf(slot).map((item) => item.hash));
    const other = history
      .byBureau('draw')
      .find(({ hash, statement }) => hash !== draw?.hash && announcements.has(statement.announcement.text));
    if (other) throw new CheckFails('another-draw', { slot, index: other.index });
  }
  return { as_of: asOf, entries: history.bureaus.length, size };
}

/** Where the exclusions look back, the file has every draw that they come from; a slip makes none of them again. */
function needWholePast({ announced, announcement, history: carried }, history, slots) {
  const plan = history.byText.get(announced.plan.text)?.statement;
  if (plan?.type !== 'plan' || !looksBack(plan, announced.slots)) return;
  for (const { draw } of earlierDraws(history, slots.newestBelow(announcement), plan)) {
    const here = carried.byText.get(draw.hash);
    if (!here || here.objection) throw new CheckFails('history-cut', { found: draw.index, year: plan.year });
  }
}

/** Where the bureau had another log before, this one says so, and does not show what was drawn in the former one. */
function needFormer({ file, trust }, history) {
  const beginning = ({ from }) => from ?? -Infinity;
  const lines = trust.bureaus.filter(({ name }) => name === file.bureau);
  const here = Math.min(...lines.filter(({ origin }) => origin === file.log).map(beginning));
  const former = lines.filter((line) => line.origin !== file.log && beginning(line) < here);
  if (former.length === 0) return;
  const [first] = history.bureaus;
  const named = first.statement.type === 'key' ? first.statement.former : null;
  if (!named || !former.some(({ origin }) => origin === named.log)) {
    throw new CheckFails('former-missing', { expected: former.map(({ origin }) => origin), index: first.index });
  }
  throw new CannotTell('former-log', { found: [named.log] });
}
