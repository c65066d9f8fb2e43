/** Who inspects whom: every matching that the announced rules allow is equally likely (specs/assignment.md). */

import { Budget } from './budget.mjs';
import { compose, questionCost } from './composition.mjs';
import { candidatesOf, checkTeams, hasSpecialities, isForced, quotasOf, shortageOf } from './eligibility.mjs';
import { Refusal } from './errors.mjs';
import { Lots } from './lots.mjs';
import { firstMatching, walk } from './switching.mjs';

/**
 * @typedef {import('./eligibility.mjs').Member} Member
 * @typedef {import('./quota.mjs').Row} Row
 *
 * @typedef {object} Assignment by object number, but for the last three
 * @property {Map<string, [string, string][]>} teams department and inspector
 * @property {Map<string, string[]>} experts
 * @property {Map<string, number>} eligible how many inspectors, before the pool
 * @property {Map<string, number>} attempts the object's own
 * @property {Map<string, number>} caps the cap of the object's block at its accepted attempt; nothing without a cap
 * @property {string[]} forced objects whose teams were as good as arranged (§7)
 * @property {[string, number, number][]} blocks smallest object, accepted attempt, cap at it
 * @property {number|null} pool the accepted attempt of the pool
 */

/**
 * The teams of the drawn objects.
 * @param {{key: string, team: object, objects: Row[], inspectors: Row[],
 *   recusals: {inspector: string, object: string}[], window: string}} inputs the key in hex, `objects` the drawn ones
 * @returns {Assignment}
 */
export function assign({ key, team, objects, inspectors, recusals, window }) {
  const candidates = candidatesOf({ team, objects, inspectors, recusals, window });
  checkTeams(team, candidates);
  const lottery = new Lottery({ key, team, candidates });
  const pool = team.pool === null ? null : lottery.drawPool();
  const blocks = [];
  if (team.cap === null) {
    for (const no of candidates.objects) lottery.drawAlone(no);
  } else {
    for (const block of lottery.blocks()) blocks.push(lottery.drawBlock(block));
  }
  return {
    ...lottery.drawn,
    eligible: new Map(candidates.objects.map((no) => [no, candidates.members.get(no).length])),
    forced: candidates.objects.filter((no) => isForced(team, candidates.members.get(no))),
    blocks,
    pool,
  };
}

class Lottery {
  constructor({ key, team, candidates }) {
    this.team = team;
    this.candidates = candidates;
    this.members = candidates.members;
    this.lots = new Lots(key);
    this.budget = new Budget();
    this.groups = new Map();
    this.drawn = { teams: new Map(), experts: new Map(), attempts: new Map(), caps: new Map() };
  }

  // --- the pool (§3) -----------------------------------------------------------------------------------------------

  /** Draw pools until one will do; from then on only its members are eligible. */
  drawPool() {
    const { team, lots, candidates } = this;
    const { urn } = candidates;
    const numbers = urn.map(({ no }) => no);
    const lists = [...new Set(candidates.members.values())];
    for (let attempt = 0; attempt < team.limit; attempt++) {
      this.budget.spend(urn.length);
      const pool = new Set(lots.smallest(team.pool, 'pool', [attempt], numbers).map((place) => urn[place]));
      const within = this.#within(pool, lists);
      if (!within) continue;
      const members = new Map([...candidates.members].map(([no, list]) => [no, within.get(list)]));
      if (team.beyond === 'switch-chain' && !this.#canKeepCap(members)) continue;
      this.members = members;
      return attempt;
    }
    throw new Refusal('attempts-exhausted', { block: '', cap: team.cap, expected: team.limit });
  }

  /** Of each list of eligible inspectors those in the pool, or null if some object can have no team of them. */
  #within(pool, lists) {
    const within = new Map();
    for (const [i, list] of lists.entries()) {
      const left = list.filter((member) => pool.has(member));
      if (shortageOf(this.team, left)) {
        lists.unshift(...lists.splice(i, 1)); // what was hard to serve once is looked at first the next time
        return null;
      }
      within.set(list, left);
    }
    return within;
  }

  #canKeepCap(members) {
    try {
      for (const block of blocksOf(this.candidates.objects, members)) compose(this.team, block, this.budget);
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.code === 'cap-infeasible') return false;
      throw error;
    }
  }

  // --- teams (§2, §4) ----------------------------------------------------------------------------------------------

  /** The team of an object at these attempts, by department and ticket. @returns {Member[]} */
  #team(no, block, own) {
    return this.#groupsOf(this.members.get(no)).flatMap(({ quota, members, numbers }) =>
      this.lots.smallest(quota, 'team', [block, own, no], numbers).map((place) => members[place]));
  }

  /** Eligible inspectors by department: once for all objects that have the same ones. */
  #groupsOf(members) {
    let groups = this.groups.get(members);
    if (!groups) {
      groups = quotasOf(this.team).map(([name, quota]) => {
        const ofDepartment = members.filter(({ department }) => department === name);
        return { quota, members: ofDepartment, numbers: ofDepartment.map(({ no }) => no) };
      });
      this.groups.set(members, groups);
    }
    return groups;
  }

  /** The first team of an object with the specialities, and the attempt that it took. */
  #teamWithSpecialities(no, block, cost) {
    for (let own = 0; ; own++) {
      this.budget.spend(cost(own));
      const members = this.#team(no, block, own);
      if (hasSpecialities(this.team, members)) return { members, own };
    }
  }

  #settle(no, members, block, own) {
    const { experts } = this.team;
    this.drawn.teams.set(no, members.map((member) => [member.department, member.no]));
    this.drawn.attempts.set(no, own);
    if (!experts) return;
    const numbers = this.candidates.experts.get(no);
    const places = this.lots.smallest(experts.number, 'expert', [block, own, no], numbers);
    this.drawn.experts.set(no, places.map((place) => numbers[place]));
  }

  // --- attempts (§5) -----------------------------------------------------------------------------------------------

  /** Without a cap each object is matched by itself. */
  drawAlone(no) {
    const eligible = this.members.get(no).length;
    const { members, own } = this.#teamWithSpecialities(no, 0, (attempt) => (attempt > 0 ? eligible : 0));
    this.#settle(no, members, 0, own);
  }

  blocks() {
    return blocksOf(this.candidates.objects, this.members);
  }

  /** Draw the teams of a block until they keep the cap, all again each time. @returns {[string, number, number]} */
  drawBlock(block) {
    const { team } = this;
    const { cap, limit, beyond, size } = team;
    const { objects, inspectors } = block;
    const composed = beyond === 'switch-chain' ? compose(team, block, this.budget) : null;
    const least = Math.ceil((size * objects.length) / inspectors.length); // under less, no attempt can be accepted
    for (let attempt = 0; ; attempt++) {
      if (attempt === limit && beyond === 'void') {
        throw new Refusal('attempts-exhausted', { block: objects[0], cap, expected: limit });
      }
      if (attempt === limit && composed) return this.#switch(block, composed);
      const capNow = cap + Math.floor(attempt / limit);
      if (capNow < least) {
        attempt += limit - (attempt % limit) - 1;
        continue;
      }
      const teams = this.#attempt(block, attempt, capNow);
      if (!teams) continue;
      teams.forEach(({ members, own }, i) => this.#settle(objects[i], members, attempt, own));
      return this.#close(block, attempt, capNow);
    }
  }

  /** The block's teams at an attempt, or null as soon as one breaks the cap. */
  #attempt(block, attempt, cap) {
    const loads = new Map();
    const teams = [];
    for (const no of block.objects) {
      const eligible = this.members.get(no).length;
      const drawn = this.#teamWithSpecialities(no, attempt, () => eligible);
      for (const member of drawn.members) {
        const load = (loads.get(member) ?? 0) + 1;
        if (load > cap) return null;
        loads.set(member, load);
      }
      teams.push(drawn);
    }
    return teams;
  }

  #close(block, attempt, cap) {
    for (const no of block.objects) this.drawn.caps.set(no, cap);
    return [block.objects[0], attempt, cap];
  }

  // --- the switch chain (§6) ---------------------------------------------------------------------------------------

  #switch(block, composed) {
    const { team, lots, budget } = this;
    const { objects, inspectors } = block;
    budget.spend(10 * questionCost(block) + team.steps * (objects.length + inspectors.length));
    const start = firstMatching(block, composed, team.cap);
    walk(team, block, start, lots).forEach((members, i) => {
      const inOrder = quotasOf(team).flatMap(([name, quota]) => {
        const ofDepartment = members.filter(({ department }) => department === name);
        const numbers = ofDepartment.map(({ no }) => no);
        return lots.smallest(quota, 'team', [team.limit, 0, objects[i]], numbers).map((place) => ofDepartment[place]);
      });
      this.#settle(objects[i], inOrder, team.limit, 0);
    });
    return this.#close(block, team.limit, team.cap);
  }
}

/**
 * The connected components of objects and their eligible inspectors (specs/assignment.md §5.2), by smallest object.
 * @param {string[]} objects sorted
 * @param {Map<string, Member[]>} members
 * @returns {import('./composition.mjs').Block[]}
 */
function blocksOf(objects, members) {
  const parent = objects.map((_, i) => i);
  const find = (i) => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  const firstOf = new Map(); // an inspector, or a whole list of them -> an object of theirs
  const meet = (what, i) => {
    if (!firstOf.has(what)) {
      firstOf.set(what, i);
      return false;
    }
    const [a, b] = [find(firstOf.get(what)), find(i)];
    if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
    return true;
  };
  objects.forEach((no, i) => {
    const list = members.get(no);
    // Objects that differ in nothing share one list, which need not be walked twice.
    if (list.length === 0 || meet(list, i)) return;
    for (const member of list) meet(member, i);
  });
  const blocks = new Map();
  objects.forEach((no, i) => {
    if (!blocks.has(find(i))) blocks.set(find(i), []);
    blocks.get(find(i)).push(no);
  });
  return [...blocks.values()].map((numbers) => {
    const inspectors = new Set();
    for (const list of new Set(numbers.map((no) => members.get(no)))) for (const one of list) inspectors.add(one);
    return {
      objects: numbers,
      members,
      inspectors: [...inspectors].sort((a, b) => (a.no < b.no ? -1 : 1)),
      pairs: numbers.reduce((sum, no) => sum + members.get(no).length, 0),
    };
  });
}
