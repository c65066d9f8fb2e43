/** The draw as one function, without clock, chance or choice (specs/draw.md). */

import { assign } from './assignment.mjs';
import { allocate } from './quota.mjs';
import { resultLines } from './record.mjs';
import { select } from './selection.mjs';

/**
 * @typedef {object} Outcome
 * @property {import('./quota.mjs').Stratum[]} strata
 * @property {import('./quota.mjs').Floor[]} floors how far each legal floor is reached
 * @property {{drawn: import('./selection.mjs').Drawn[], cutoffs: (string|null)[]}} selection
 * @property {import('./assignment.mjs').Assignment} assignment
 * @property {{objects: number, inspectors: number, strata: number, drawn: number}} counts
 * @property {string[]} lines the result list
 */

/**
 * Draw. If it is not possible a Refusal says why, in the codes of specs/plan.md §3, §4 and specs/assignment.md.
 * @param {object} inputs
 * @param {object} inputs.announcement its fields
 * @param {object} inputs.plan its fields
 * @param {import('./quota.mjs').Row[]} inputs.objects the roster's rows
 * @param {import('./quota.mjs').Row[]} inputs.inspectors the rows of all rosters of inspectors
 * @param {{inspector: string, object: string}[]} inputs.recusals
 * @param {import('./quota.mjs').Exclusion[]} inputs.exclusions
 * @param {string} inputs.key in hex (specs/tickets.md §1)
 * @returns {Outcome}
 */
export function drawLots({ announcement, plan, objects, inspectors, recusals, exclusions, key }) {
  const { slots, window } = announcement;
  const { strata, floors } = allocate({ plan, slots, roster: { rows: objects }, exclusions });
  const selection = select(key, strata);
  const numbers = new Set(selection.drawn.map(({ no }) => no));
  const drawn = objects.filter(({ no }) => numbers.has(no));
  const assignment = assign({ key, team: plan.team, objects: drawn, inspectors, recusals, window });
  const counts = {
    objects: objects.length,
    inspectors: inspectors.length,
    strata: strata.length,
    drawn: selection.drawn.length,
  };
  return {
    strata,
    floors,
    selection,
    assignment,
    counts,
    lines: resultLines({ strata, selection, assignment }),
  };
}
