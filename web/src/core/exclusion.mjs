/** Who cannot be drawn, by what was drawn before (specs/announcement.md §4). */

import { canonical } from './encoding.mjs';
import { itemOf } from './quota.mjs';

/**
 * @typedef {object} EarlierDraw the first `draw` statement of an announcement
 * @property {object} plan the plan of its announcement
 * @property {string[]} slots the slots of its announcement
 * @property {Map<string, string[]>} drawn the items for which each number was drawn
 */

/** Whether a draw of these slots depends on earlier ones. */
export const looksBack = (plan, slots) =>
  plan.yearly_cap !== null || slots.some((slot) => isInstalment(plan, slot));

/** An instalment has a share in the schedule (specs/plan.md §1). */
const isInstalment = (plan, slot) => plan.schedule.some((entry) => entry.slot === slot && entry.share !== null);

const instalmentsOf = (plan, slots) => new Set(slots.filter((slot) => isInstalment(plan, slot)).map(itemOf));

/** Whether an earlier draw counts: of a plan of the same year and the same objects. */
export const counts = (plan, earlier) => earlier.plan.year === plan.year && earlier.plan.objects === plan.objects;

/**
 * The exclusions that plan and earlier draws yield.
 * @param {{plan: object, slots: string[], numbers: Iterable<string>, earlier: EarlierDraw[]}} inputs `numbers` are
 *   those of the object roster
 * @returns {import('./quota.mjs').Exclusion[]}
 */
export function exclusionsOf({ plan, slots, numbers, earlier }) {
  const known = new Set(numbers);
  const draws = earlier.filter((draw) => counts(plan, draw));
  return [
    ...cappedBy(plan, draws).map((no) => ({ item: null, no, reason: 'yearly-cap' })),
    ...[...instalmentsOf(plan, slots)].flatMap((item) =>
      drawnBefore(plan, draws, item).map((no) => ({ item, no, reason: 'drawn-before' }))),
  ].filter(({ no }) => known.has(no));
}

/** Whose visits have reached the cap; several items of one draw are one visit. */
function cappedBy(plan, draws) {
  if (plan.yearly_cap === null) return [];
  const visits = new Map();
  for (const { drawn } of draws) for (const no of drawn.keys()) visits.set(no, (visits.get(no) ?? 0) + 1);
  return [...visits.keys()].filter((no) => visits.get(no) >= plan.yearly_cap);
}

/** Who was drawn for the item by an instalment of the same plan. */
function drawnBefore(plan, draws, item) {
  const before = new Set();
  for (const draw of draws) {
    if (draw.plan.plan !== plan.plan || !instalmentsOf(draw.plan, draw.slots).has(item)) continue;
    for (const [no, items] of draw.drawn) if (items.includes(item)) before.add(no);
  }
  return [...before];
}

/** The lines of the list that a bureau announces (specs/announcement.md §3). */
export const exclusionLines = (exclusions) => exclusions.map((each) => canonical(each)).sort();
