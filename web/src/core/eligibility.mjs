/** Which inspectors may come to which objects (specs/assignment.md §1, §4, §7). */

import { canonical, parseDate } from './encoding.mjs';
import { Refusal } from './errors.mjs';

/**
 * @typedef {import('./quota.mjs').Row} Row
 *
 * @typedef {object} Member an inspector who can be in a team
 * @property {string} no
 * @property {string} department `""` where the plan names none
 * @property {number[]} skills the places, in `specialities`, of those that it has
 *
 * @typedef {object} Candidates
 * @property {string[]} objects numbers of the drawn objects, sorted
 * @property {Map<string, Member[]>} members those eligible for each object, sorted by number
 * @property {Map<string, string[]>} experts the experts eligible for each object, sorted
 * @property {Member[]} urn whom a pool is drawn from (§3)
 */

/** Each rule: what it takes of object and inspector, and whether it holds. Null satisfies none (§1.1). */
const RULES = {
  same: { object: 'any', inspector: 'any', holds: (object, inspector) => sameValue(object, inspector) },
  differ: { object: 'any', inspector: 'any', holds: (object, inspector) => !sameValue(object, inspector) },
  true: { object: null, inspector: 'boolean', holds: (_, inspector) => inspector },
  valid: {
    object: null,
    inspector: 'string',
    holds: (_, inspector, window) => isDate(inspector) && inspector >= window,
  },
  'at-least': { object: 'integer', inspector: 'integer', holds: (object, inspector) => inspector >= object },
  contains: { object: 'string', inspector: 'strings', holds: (object, inspector) => inspector.includes(object) },
  under: {
    object: 'string',
    inspector: 'string',
    holds: (object, inspector) => inspector !== '' && object.startsWith(inspector),
  },
};

const sameValue = (a, b) => a === b || (Array.isArray(a) && Array.isArray(b) && canonical(a) === canonical(b));

function isDate(text) {
  try {
    return parseDate(text) === text;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

function allows(rule, object, inspector, window) {
  const { object: needsObject, holds } = RULES[rule.rule];
  const ours = inspector.attrs[rule.inspector];
  const theirs = needsObject === null ? null : object.attrs[rule.object];
  return ours !== null && (needsObject === null || theirs !== null) && holds(theirs, ours, window);
}

// --- rules that make no sense ----------------------------------------------------------------------------------------

const TYPES = {
  any: () => true,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  strings: (value) => Array.isArray(value),
};

const typeOf = (value) => Object.keys(TYPES).find((type) => type !== 'any' && TYPES[type](value));

function checkColumn(rows, attribute, expected) {
  for (const { no, attrs } of rows) {
    const value = attrs[attribute];
    if (value === undefined) {
      throw new Refusal('unknown-attribute', { expected: Object.keys(attrs).sort(), found: attribute });
    }
    if (value !== null && !TYPES[expected](value)) {
      throw new Refusal('rule-type', { attribute, row: no, expected, found: typeOf(value) });
    }
  }
}

/** Refuse rules about attributes that are not there or of another type (specs/assignment.md §1.1). */
function checkRules(team, objects, inspectors) {
  for (const rule of [...team.eligible, ...(team.experts?.eligible ?? [])]) {
    const needs = Object.hasOwn(RULES, rule.rule) ? RULES[rule.rule] : null;
    if (!needs || (needs.object === null) !== (rule.object === null)) {
      throw new Refusal('bad-rule', { found: rule.rule });
    }
    checkColumn(inspectors, rule.inspector, needs.inspector);
    if (rule.object !== null) checkColumn(objects, rule.object, needs.object);
  }
  if (team.department !== null) checkColumn(inspectors, team.department, 'string');
  for (const { field } of team.specialities) checkColumn(inspectors, field, 'strings');
  if (team.experts) checkColumn(inspectors, team.experts.expert, 'boolean');
}

// --- who is eligible -------------------------------------------------------------------------------------------------

/** How many a team has of each department; without departments, of the department `""` (specs/assignment.md §2). */
export const quotasOf = (team) => (team.department === null ? [['', team.size]] : team.quota);

const byNumber = (a, b) => (a.no < b.no ? -1 : 1); // numbers are ASCII

/**
 * Who is eligible for each object.
 * @param {{team: object, objects: Row[], inspectors: Row[], recusals: {inspector: string, object: string}[],
 *   window: string}} inputs
 * @returns {Candidates}
 */
export function candidatesOf({ team, objects, inspectors, recusals, window }) {
  const drawn = [...objects].sort(byNumber);
  const numbers = drawn.map(({ no }) => no);
  const nobody = () => new Map(numbers.map((no) => [no, []]));
  if (!objects.length || !inspectors.length) {
    return { objects: numbers, members: nobody(), experts: nobody(), urn: [] };
  }
  checkRules(team, objects, inspectors);
  const staff = [...inspectors].sort(byNumber);
  const isExpert = (row) => team.experts !== null && row.attrs[team.experts.expert] === true;
  const departments = new Set(quotasOf(team).map(([department]) => department));
  const inTeams = staff.filter((row) =>
    !isExpert(row) && (team.department === null || departments.has(row.attrs[team.department])));
  const asMember = new Map(inTeams.map((row) => [row, memberOf(team, row)]));
  const fitting = fit({ rules: team.eligible, objects: drawn, staff: inTeams, recusals, window });
  const experts = team.experts
    ? fit({ rules: team.experts.eligible, objects: drawn, staff: staff.filter(isExpert), recusals, window })
    : nobody();
  return {
    objects: numbers,
    members: mapOnce(fitting, (row) => asMember.get(row)),
    experts: mapOnce(experts, (row) => row.no),
    urn: admitted(team.eligible, inTeams, window).map((row) => asMember.get(row)),
  };
}

function memberOf(team, { no, attrs }) {
  const department = team.department === null ? '' : attrs[team.department];
  const skills = [...team.specialities.keys()].filter((place) => {
    const { field, value } = team.specialities[place];
    return attrs[field]?.includes(value);
  });
  return { no, department, skills };
}

/** Those who satisfy the rules that are about the inspector alone. */
const admitted = (rules, staff, window) => {
  const alone = rules.filter((rule) => RULES[rule.rule].object === null);
  return staff.filter((row) => alone.every((rule) => allows(rule, null, row, window)));
};

/** The rows of staff that fit each object: found once for all objects that are alike in what the rules look at. */
function fit({ rules, objects, staff, recusals, window }) {
  const pairwise = rules.filter((rule) => RULES[rule.rule].object !== null);
  const possible = admitted(rules, staff, window);
  const recused = new Map();
  for (const { object, inspector } of recusals) {
    if (!recused.has(object)) recused.set(object, new Set());
    recused.get(object).add(inspector);
  }
  const alike = new Map();
  return new Map(objects.map((object) => {
    const key = canonical(pairwise.map((rule) => object.attrs[rule.object]));
    if (!alike.has(key)) {
      alike.set(key, possible.filter((row) => pairwise.every((rule) => allows(rule, object, row, window))));
    }
    const fitting = alike.get(key);
    const out = recused.get(object.no);
    const some = out && fitting.some(({ no }) => out.has(no));
    return [object.no, some ? fitting.filter(({ no }) => !out.has(no)) : fitting];
  }));
}

/** Map the values of lists, keeping one list one where several objects share it. */
function mapOnce(lists, change) {
  const done = new Map();
  return new Map([...lists].map(([no, list]) => {
    if (!done.has(list)) done.set(list, list.map(change));
    return [no, done.get(list)];
  }));
}

// --- whether there can be a team -------------------------------------------------------------------------------------

/** Refuse a draw in which some object can have no team (specs/assignment.md §1.3). */
export function checkTeams(team, candidates) {
  const judged = new Map();
  for (const no of candidates.objects) {
    const members = candidates.members.get(no);
    if (!judged.has(members)) judged.set(members, shortageOf(team, members));
    const shortage = judged.get(members) ?? expertShortage(team, candidates.experts.get(no));
    if (shortage) throw new Refusal(shortage.code, { object: no, ...shortage.params });
  }
}

function expertShortage({ experts: rules }, experts) {
  if (!rules || experts.length >= rules.number) return null;
  return { code: 'too-few-experts', params: { expected: rules.number, found: experts.length } };
}

/** Why no team can be made of these, or null. */
export function shortageOf(team, members) {
  const numbers = countBy(members, ({ department }) => department);
  for (const [department, expected] of quotasOf(team)) {
    const found = numbers.get(department) ?? 0;
    if (found < expected) return { code: 'too-few-eligible', params: { department, expected, found } };
  }
  if (teamExists(team, members)) return null;
  const expected = team.specialities.map(({ value, number }) => [value, number]);
  const found = team.specialities.map(({ value }, place) => [value, specialists(members, place)]);
  return { code: 'no-such-team', params: { expected, found } };
}

function countBy(things, key) {
  const counts = new Map();
  for (const thing of things) counts.set(key(thing), (counts.get(key(thing)) ?? 0) + 1);
  return counts;
}

/** Whether a team has so many of each speciality as the plan asks for; one member may count for several (§2). */
export const hasSpecialities = (team, members) =>
  team.specialities.every(({ number }, place) => specialists(members, place) >= number);

const specialists = (members, place) =>
  members.reduce((count, { skills }) => count + (skills.includes(place) ? 1 : 0), 0);

/**
 * Whether some team of these, with the quotas, has the specialities: a search through kinds of inspectors, department
 * by department, that tries no state twice.
 */
function teamExists(team, members) {
  if (team.specialities.length === 0) return true;
  const steps = [];
  for (const [department, quota] of quotasOf(team)) {
    const skilled = members.filter((member) => member.department === department && member.skills.length > 0);
    const kinds = countBy(skilled, ({ skills }) => skills.join());
    let first = true;
    for (const [kind, count] of kinds) {
      steps.push({ skills: kind.split(',').map(Number), count: Math.min(count, quota), opens: first ? quota : null });
      first = false;
    }
  }
  // From each step on, the most that can still be had of a speciality.
  const most = [team.specialities.map(() => 0)];
  for (const { skills, count } of [...steps].reverse()) {
    most.unshift(most[0].map((number, place) => number + (skills.includes(place) ? count : 0)));
  }
  const failed = new Set();
  const search = (from, left, needs) => {
    if (needs.every((need) => need === 0)) return true;
    const state = `${from};${left};${needs}`;
    if (failed.has(state)) return false;
    failed.add(state);
    let open = left;
    for (let at = from; at < steps.length; at++) {
      if (needs.some((need, place) => need > most[at][place])) return false;
      const { skills, count, opens } = steps[at];
      open = opens ?? open;
      for (let taken = Math.min(count, open); taken > 0; taken--) {
        const rest = needs.map((need, place) => (skills.includes(place) ? Math.max(need - taken, 0) : need));
        if (search(at + 1, open - taken, rest)) return true;
      }
    }
    return false;
  };
  return search(0, 0, team.specialities.map(({ number }) => number));
}

/** Whether a team drawn from these was as good as arranged (specs/assignment.md §7). */
export function isForced(team, members) {
  if (members.length < Math.max(2 * team.size, 5)) return true;
  const found = countBy(members, ({ department }) => department);
  if (quotasOf(team).some(([department, number]) => (found.get(department) ?? 0) < 2 * number)) return true;
  return team.specialities.some(({ number }, place) => specialists(members, place) < 2 * number);
}
