/** What stands in the log, in which order and before what (specs/verification.md §3, no. 5, 6, 9, 10, 20). */

import { endOfDay, parseTime } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { checkInclusion, leafHash } from '../core/merkle.mjs';
import { planMeant } from '../core/plan.mjs';
import { walk } from './keys.mjs';
import { prefixesOf } from './opening.mjs';
import { refusedAs } from './report.mjs';
import { firstTime, limitOf, settledTime } from './sources.mjs';

const DAY = 86400; // seconds

// --- 5 bureau-chain ------------------------------------------------------------------------------------------------

/** Whether the bureau signed all of it, without a gap. */
export function bureauChain(kase) {
  const chain = walkCarried(kase).filter((item) => item.index <= kase.end);
  let gapAllowed = true;
  chain.forEach((item, i) => {
    checkNext(chain[i - 1], item, gapAllowed);
    gapAllowed &&= mayStandFarBack(item);
  });
  needTimes(kase);
  return { entries: chain.length, first: chain[0].statement.seq, last: chain[chain.length - 1].statement.seq };
}

/** Walk what the file carries; the bureau's statements that count, their times in order. */
export function walkCarried(kase) {
  const { final, items, file, trust, end } = kase;
  for (const { index, entry, proof } of items) {
    refusedAs('not-in-log', { index }, () =>
      checkInclusion({
        leaf: leafHash(entry.bytes),
        index,
        size: final.size,
        path: proof.hashes,
        root: final.root,
      }),
    );
  }
  walk(items, trust, file);
  const mustCount = items.find((item) => item.statement.by === file.bureau && item.index <= end && item.objection);
  if (mustCount) throw mustCount.objection;
  kase.settle(prefixesOf(kase));
  const { bureaus } = kase.history;
  bureaus.forEach(({ index, statement }, i) => {
    const before = bureaus[i - 1]?.statement.time;
    if (i > 0 && parseTime(statement.time) < parseTime(before)) {
      throw new CheckFails('time-goes-back', { index, expected: before, found: statement.time });
    }
  });
  return bureaus;
}

/** What a plan names may be far older than the plan, and the keys come with all of a file. */
const mayStandFarBack = ({ statement }) => statement.type === 'key' || statement.type === 'item-list';

/** Refuse a statement that does not continue the one before it. */
export function checkNext(before, { index, statement }, gapAllowed) {
  const { seq, prev } = statement;
  if (!before) return;
  const expected = before.statement.seq + 1;
  if (seq < expected || (seq > expected && !gapAllowed)) {
    throw new CheckFails('chain-broken', { index, expected, found: seq });
  }
  if (seq === expected && prev !== before.hash) {
    throw new CheckFails('chain-broken', { index, expected: before.hash, found: prev });
  }
}

/** Whoever dates ahead could claim afterwards to have waited: no time is later than the witnesses'. */
function needTimes({ history }) {
  for (const { index, statement } of history.bureaus) {
    const shown = history.shown(index);
    if (shown !== null && parseTime(statement.time) > shown.order) {
      throw new CheckFails('time-after-cosignature', { index, time: statement.time, cosigned: shown.order });
    }
  }
}

// --- 6 plan-before-snapshots ---------------------------------------------------------------------------------------

/** Whether the plan was fixed before the registries that it draws from. */
export function planBeforeSnapshots(kase) {
  const { plan, announced, history } = kase;
  const versions = history
    .byBureau('plan')
    .filter((item) => item.index < kase.newestBelow && item.statement.plan === plan.statement.plan);
  const meant = planMeant(versions.map(({ statement }) => statement), announced.slots);
  if (meant !== plan.statement) {
    const expected = versions.find(({ statement }) => statement === meant)?.index ?? null;
    throw new CheckFails('not-the-version-meant', { expected, found: plan.index });
  }
  const snapshots = [announced.objects, announced.inspectors, ...announced.joint];
  const first = Math.min(...snapshots.map(({ index }) => index)); // check 7 follows them
  const between = history.prefixes.find(({ size, order }) => order !== null && size > plan.index && size <= first);
  if (!between) throw new CheckFails('plan-not-cosigned-first', { plan: plan.index, snapshots: first });
  return { plan: plan.index, size: between.size, snapshots: first, time: between.order };
}

// --- 9 announcement-logged, 10 announcement-before-pulse -----------------------------------------------------------

/** Whether the announcement is in the log and the bureau's. */
export function announcementLogged(kase) {
  const { announcement, file } = kase;
  const { index, hash, objection, statement } = announcement;
  if (objection || statement.by !== file.bureau) throw new CheckFails('not-the-bureaus', { index });
  needSecond(kase, announcement);
  return { index, text: hash };
}

/** Where the reader's trust file asks for four eyes, nobody announces or draws alone (specs/trust.md §3). */
function needSecond(kase, { index, statement }) {
  const { announced, file, trust } = kase;
  const applies = ({ bureau, from }) => bureau === file.bureau && (from === null || reaches(kase, announced, from));
  const expected = trust.seconds.filter(applies).map(({ name }) => name);
  if (expected.length && !expected.some((name) => statement.with.includes(name))) {
    throw new CheckFails('second-signature-missing', { index, expected });
  }
}

/** Whether inspections, or the first round where no check of the file looks at the window, are on that day or later. */
function reaches(kase, announced, from) {
  if (from <= announced.window) return true;
  try {
    return firstTime(kase, announced) >= endOfDay(from) - DAY;
  } catch (error) {
    if (error instanceof Refusal) return false; // announcement-before-pulse fails by it
    throw error;
  }
}

/** Whether it was there before anybody could know the randomness. */
export function announcementBeforePulse(kase) {
  const { announcement, announced, history } = kase;
  const round = firstTime(kase, announced);
  const limit = limitOf(kase, announced);
  const shown = history.shown(announcement.index);
  if (shown === null || shown.order >= limit) {
    throw new CheckFails('announcement-late', { cosigned: shown?.order ?? null, limit, round });
  }
  return { cosigned: shown.order, round, seconds: round - shown.order, size: shown.size };
}

// --- 20 record-logged ----------------------------------------------------------------------------------------------

/** Whether the result is in the log, the bureau's, and of this announcement. */
export function recordLogged(kase) {
  const { draw, announced, announcement, file, asOf } = kase;
  if (draw === null) {
    const round = settledTime(kase, announced);
    if (round > asOf) throw new CannotTell('not-due-yet', { round });
    throw new CheckFails('no-draw', { round });
  }
  const { index, hash, objection, statement } = draw;
  if (objection || statement.by !== file.bureau) throw new CheckFails('not-the-bureaus', { index });
  needSecond(kase, draw);
  const found = statement.announcement.text;
  if (found !== announcement.hash) {
    throw new CheckFails('another-announcement', { index, expected: announcement.hash, found });
  }
  const shown = [statement.key, statement.blocks].filter((value) => value !== null).length;
  if (announced.disclosure.kind === 'until' && shown > 0) throw new CheckFails('sealed-draw-shows', { index });
  if (announced.disclosure.kind === 'at-once' && shown < 2) throw new CheckFails('open-draw-hides', { index });
  return { index, text: hash };
}
