/** Which version of a plan an announcement means (specs/plan.md §6). */

import { canonical } from './encoding.mjs';
import { itemOf } from './quota.mjs';

const FIELDS = [
  'objects', 'inspectors', 'joint', 'yearly_cap', 'team', 'audit', 'substitutions', 'voids', 'items', 'regulation',
];

/**
 * The version meant, or null: the last that changed something for these slots. A bureau can so add slots for later
 * in the year, and cannot change the rules of a draw under way by naming an older version.
 * @template {object} Plan
 * @param {Plan[]} versions `plan` statements of one plan, logged before the announcement, in log order
 * @param {string[]} slots
 * @returns {Plan|null}
 */
export function planMeant(versions, slots) {
  const hasAll = (plan) => slots.every((slot) => plan.slots.includes(slot));
  if (versions.length === 0 || !hasAll(versions[versions.length - 1])) return null;
  let meant = null;
  let before = null;
  for (const plan of versions) {
    if (hasAll(plan) && (before === null || !hasAll(before) || concerns(before, slots) !== concerns(plan, slots))) {
      meant = plan;
    }
    before = plan;
  }
  return meant;
}

/** All of a plan that bears on the slots, as one text to compare. */
function concerns(plan, slots) {
  return JSON.stringify([
    FIELDS.map((field) => canonical(plan[field])),
    slots.map((slot) => canonical(plan.rules.find((rule) => rule.items.includes(itemOf(slot))))),
    slots.map((slot) => canonical(plan.schedule.find((entry) => entry.slot === slot) ?? null)),
  ]);
}
