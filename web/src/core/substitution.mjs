/** Who comes in for an inspector or an expert that dropped out (specs/acts.md §3). */

import { candidatesOf, hasSpecialities } from './eligibility.mjs';
import { Refusal } from './errors.mjs';
import { ticket } from './tickets.mjs';

/**
 * The act of a substitution: of the pool, whoever has the smallest ticket under the call's key.
 * @param {object} inputs
 * @param {string} inputs.key of the call, in hex
 * @param {object} inputs.team the plan's rules
 * @param {object} inputs.object the row of the object
 * @param {object[]} inputs.inspectors all rows of inspectors
 * @param {object[]} inputs.recusals
 * @param {string} inputs.window
 * @param {Map<string, [string, string][]>} inputs.teams department and inspector, of every drawn object, as of now
 * @param {Map<string, string[]>} inputs.experts
 * @param {Set<string>} inputs.out whoever dropped out by this call or an earlier one
 * @param {string} inputs.inspector who drops out
 * @param {number|null} inputs.cap that of the object's block at its accepted attempt
 */
export function substituteOf(inputs) {
  const { key, object, experts, inspector } = inputs;
  const { no } = object;
  const expert = experts.get(no).includes(inspector);
  const { department, pool } = expert ? expertPool(inputs) : memberPool(inputs);
  if (pool.length === 0) throw new Refusal('no-substitute', { no, inspector });
  const drawn = firstOf(pool, { key, purpose: expert ? 'expert' : 'team', no });
  return { department, eligible: pool.length, expert, in: drawn.no, no, out: inspector, ticket: drawn.ticket };
}

/** Of a pool, whoever has the smallest ticket for the object; of equal ones the smaller number. */
export function firstOf(pool, { key, purpose, no }) {
  return pool
    .map((one) => ({ no: one, ticket: ticket(key, purpose, 0, 0, no, one) }))
    .reduce((least, each) => (isBefore(each, least) ? each : least));
}

const isBefore = (a, b) => a.ticket < b.ticket || (a.ticket === b.ticket && a.no < b.no);

/** Of the same department, not gone, not there already, below the cap, and the team keeps its specialities. */
function memberPool(inputs) {
  const { team, object, teams, out, inspector, cap } = inputs;
  const present = presentAt(inputs);
  const [department] = teams.get(object.no).find(([, member]) => member === inspector);
  const eligible = candidates(inputs).members.get(object.no);
  const staying = eligible.filter(({ no }) => present.has(no) && no !== inspector);
  const loads = loadsOf(teams);
  const pool = eligible.filter(
    (member) =>
      member.department === department &&
      !out.has(member.no) &&
      !present.has(member.no) &&
      (cap === null || (loads.get(member.no) ?? 0) < cap) &&
      hasSpecialities(team, [...staying, member]),
  );
  return { department, pool: pool.map(({ no }) => no) };
}

function expertPool(inputs) {
  const present = presentAt(inputs);
  const eligible = candidates(inputs).experts.get(inputs.object.no);
  return { department: '', pool: eligible.filter((no) => !inputs.out.has(no) && !present.has(no)) };
}

/** Who was eligible for the object when the draw was announced. */
const candidates = ({ team, object, inspectors, recusals, window }) =>
  candidatesOf({ team, objects: [object], inspectors, recusals, window });

const presentAt = ({ object, teams, experts }) =>
  new Set([...teams.get(object.no).map(([, member]) => member), ...experts.get(object.no)]);

/** How many objects each inspector has now. */
function loadsOf(teams) {
  const loads = new Map();
  for (const team of teams.values()) for (const [, no] of team) loads.set(no, (loads.get(no) ?? 0) + 1);
  return loads;
}
