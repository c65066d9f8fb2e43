/** Compositions of teams, and whether a cap can be kept (specs/assignment.md §6.1, §6.2). */

import { compareText } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { quotasOf } from './eligibility.mjs';
import { serve } from './flow.mjs';

/**
 * @typedef {import('./eligibility.mjs').Member} Member
 *
 * @typedef {{department: string, skills: number[], places: number[]}} Kind an object's eligible inspectors of a kind,
 *   by their places among the block's inspectors
 * @typedef {{kind: Kind, number: number}[]} Composition
 *
 * @typedef {object} Block objects that are linked by inspectors (§5.2)
 * @property {string[]} objects numbers, sorted
 * @property {Map<string, Member[]>} members those eligible for each
 * @property {Member[]} inspectors all of these, sorted by number
 * @property {number} pairs of an object and an eligible inspector
 */

/** What one question whether the flows exist costs (specs/assignment.md §9). */
export const questionCost = (block) => block.pairs * Math.ceil(block.objects.length / 100);

/**
 * A composition for each team of the block, and teams with these that keep the cap: the first that §6.2 comes to.
 * @param {object} team the plan's rules
 * @param {Block} block
 * @param {import('./budget.mjs').Budget} budget
 * @returns {{compositions: Composition[], teams: number[][]}} of each object the places of its inspectors
 */
export function compose(team, block, budget) {
  const search = new Search(team, block, budget);
  if (!search.isPossible([])) throw search.refusal();
  const decided = [];
  const ways = []; // of each object up to the present one, its compositions from the one after the last that was tried
  while (decided.length < block.objects.length) {
    if (ways.length === decided.length) ways.push(search.compositionsOf(decided.length));
    const { value: next, done } = ways[ways.length - 1].next();
    if (!done) {
      decided.push(next);
      if (!search.isPossible(decided)) decided.pop();
    } else {
      ways.pop();
      if (ways.length === 0) throw search.refusal();
      decided.pop();
    }
  }
  return { compositions: decided, teams: search.teamsOf(decided) };
}

class Search {
  constructor(team, block, budget) {
    Object.assign(this, { team, block, budget });
    this.placeOf = new Map(block.inspectors.map((member, place) => [member, place]));
    const known = new Map();
    this.choices = block.objects.map((no) => {
      const members = block.members.get(no);
      if (!known.has(members)) known.set(members, this.#choicesOf(members));
      return known.get(members);
    });
  }

  /** The places of an object's eligible inspectors by kind, by department and by speciality. */
  #choicesOf(members) {
    const kinds = new Map();
    for (const { department, skills } of members) kinds.set(kindKey(department, skills), { department, skills });
    const places = (test) => members.filter(test).map((member) => this.placeOf.get(member));
    const inDepartment = (name) => places(({ department }) => department === name);
    return {
      kinds: [...kinds].sort(([, a], [, b]) => compareKinds(a, b)).map(([key, kind]) => ({
        ...kind,
        places: places((member) => kindKey(member.department, member.skills) === key),
      })),
      departments: new Map(quotasOf(this.team).map(([name]) => [name, inDepartment(name)])),
      specialities: this.team.specialities.map((_, place) => places(({ skills }) => skills.includes(place))),
    };
  }

  /** Whether the cap can be kept after these choices; each question has its price. */
  isPossible(decided) {
    // Without specialities a team has one composition: the answer to the first question is that to all.
    if (this.team.specialities.length === 0 && decided.length > 0) return true;
    this.budget.spend(questionCost(this.block));
    return this.#flowsExist(decided, this.team.cap);
  }

  #flowsExist(decided, cap) {
    const ofDepartments = ({ departments }) =>
      quotasOf(this.team).map(([name, need]) => ({ need, from: departments.get(name) }));
    if (!this.#serve(decided, cap, ofDepartments)) return false;
    return decided.length === this.choices.length || this.team.specialities.every(({ number }, place) =>
      this.#serve(decided, cap, ({ specialities }) => [{ need: number, from: specialities[place] }]));
  }

  teamsOf(decided) {
    const served = this.#serve(decided, this.team.cap, () => []);
    let at = 0;
    return decided.map((composition) => composition.flatMap(() => served[at++]));
  }

  /** Serve the compositions of the objects decided, and of the others what is asked for them. */
  #serve(decided, cap, ask) {
    const asked = (composition) => composition.map(({ kind, number }) => ({ need: number, from: kind.places }));
    const demands = this.choices.flatMap((choices, i) =>
      (i < decided.length ? asked(decided[i]) : ask(choices)));
    return serve(demands, this.block.inspectors.length, cap);
  }

  /** The compositions that can be made of the object's eligible inspectors with the quotas, in order (§6.1). */
  * compositionsOf(object) {
    const { kinds } = this.choices[object];
    const groups = quotasOf(this.team).map(([name, quota]) => {
      const ofDepartment = kinds.filter(({ department }) => department === name);
      return { quota, kinds: ofDepartment, sizes: ofDepartment.map(({ places }) => places.length) };
    });
    for (const numbers of products(groups)) {
      if (this.team.specialities.length > 0) {
        this.budget.spend(1);
        if (!this.#isEnough(groups, numbers)) continue;
      }
      yield groups.flatMap((group, i) => group.kinds.map((kind, j) => ({ kind, number: numbers[i][j] })));
    }
  }

  #isEnough(groups, numbers) {
    return this.team.specialities.every(({ number }, place) => {
      let found = 0;
      groups.forEach((group, i) => group.kinds.forEach(({ skills }, j) => {
        if (skills.includes(place)) found += numbers[i][j];
      }));
      return found >= number;
    });
  }

  refusal() {
    const { objects, inspectors } = this.block;
    return new Refusal('cap-infeasible', {
      block: objects[0],
      cap: this.team.cap,
      expected: this.#leastCap(),
      objects: objects.length,
      inspectors: inspectors.length,
    });
  }

  /** The least cap above the plan's for which the first question is answered yes, for whoever must raise it. */
  #leastCap() {
    let [low, high] = [this.team.cap + 1, Math.max(this.team.cap + 1, this.choices.length)];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#flowsExist([], middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const kindKey = (department, skills) => `${skills.join()};${department}`;

function compareKinds(a, b) {
  const byDepartment = compareText(a.department, b.department);
  if (byDepartment) return byDepartment;
  for (let i = 0; i < Math.min(a.skills.length, b.skills.length); i++) {
    if (a.skills[i] !== b.skills[i]) return a.skills[i] - b.skills[i];
  }
  return a.skills.length - b.skills.length;
}

/** Every way to take each group's quota out of its kinds: more of the first kind first, the last group fastest. */
function* products(groups) {
  const numbers = groups.map(({ sizes }) => sizes.map(() => 0));
  groups.forEach(({ quota, sizes }, i) => pour(quota, sizes, numbers[i], 0));
  for (;;) {
    yield numbers;
    let i = groups.length - 1;
    while (i >= 0 && !advance(groups[i].sizes, numbers[i])) {
      pour(groups[i].quota, groups[i].sizes, numbers[i], 0);
      i--;
    }
    if (i < 0) return;
  }
}

/** Fill from a kind on, the first ones first. */
function pour(number, sizes, numbers, from) {
  let left = number;
  for (let at = from; at < sizes.length; at++) {
    numbers[at] = Math.min(left, sizes[at]);
    left -= numbers[at];
  }
}

/** Move to the next way to take as many out of the kinds; false after the last. */
function advance(sizes, numbers) {
  let behind = 0; // taken of the kinds behind
  let room = 0; // left of these
  for (let at = numbers.length - 1; at >= 0; at--) {
    if (numbers[at] > 0 && room > 0) {
      numbers[at]--;
      pour(behind + 1, sizes, numbers, at + 1);
      return true;
    }
    behind += numbers[at];
    room += sizes[at] - numbers[at];
  }
  return false;
}

