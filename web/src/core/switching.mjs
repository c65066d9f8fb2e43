/** The switch chain, for caps so tight that hardly any attempt is accepted (specs/assignment.md §6.3, §6.4). */

import { hasSpecialities } from './eligibility.mjs';

/**
 * @typedef {import('./composition.mjs').Block} Block
 * @typedef {import('./composition.mjs').Composition} Composition
 * @typedef {import('./eligibility.mjs').Member} Member
 */

/**
 * The first matching that keeps the cap and has the compositions (specs/assignment.md §6.3).
 * @param {Block} block
 * @param {{compositions: Composition[], teams: number[][]}} some any such matching
 * @param {number} cap
 * @returns {number[][]} of each object the places of its inspectors
 */
export function firstMatching(block, { compositions, teams }, cap) {
  const matching = new Matching(block, { compositions, teams }, cap);
  for (let object = 0; object < block.objects.length; object++) matching.settle(object);
  return matching.teams.map((team) => [...team].sort((a, b) => a - b));
}

/** A matching on its way from any to the first; what concerns one kind of inspectors never touches another. */
class Matching {
  constructor(block, { compositions, teams }, cap) {
    this.cap = cap;
    this.teams = teams.map((team) => new Set(team));
    this.loads = new Int32Array(block.inspectors.length);
    for (const team of teams) for (const place of team) this.loads[place]++;
    // Kinds of different objects are one where department and specialities are, and then have one name here.
    this.kindOf = block.inspectors.map(({ department, skills }) => `${skills.join()};${department}`);
    this.ofKind = new Map();
    this.kindOf.forEach((kind, place) => {
      if (!this.ofKind.has(kind)) this.ofKind.set(kind, []);
      this.ofKind.get(kind).push(place);
    });
    this.eligible = compositions.map((composition) =>
      composition.flatMap(({ kind }) => kind.places).sort((a, b) => a - b));
    this.objectsOf = block.inspectors.map(() => []);
    this.eligible.forEach((places, object) => places.forEach((place) => this.objectsOf[place].push(object)));
  }

  /** Put into the object's team each inspector, in order, who is in it in some matching that agrees so far. */
  settle(object) {
    const team = this.teams[object];
    const settled = new Set();
    const chains = new Map();
    const open = new Map(); // how many of each kind are not settled
    for (const place of team) open.set(this.kindOf[place], (open.get(this.kindOf[place]) ?? 0) + 1);
    for (const place of this.eligible[object]) {
      if (settled.size === team.size) return;
      const kind = this.kindOf[place];
      if (!open.get(kind)) continue;
      if (!team.has(place)) {
        if (!chains.has(kind)) chains.set(kind, this.#chains(object, kind, settled));
        if (!chains.get(kind).canLeave.has(place)) continue;
        this.#exchange(object, place, chains.get(kind), settled);
      }
      chains.delete(kind);
      settled.add(place);
      open.set(kind, open.get(kind) - 1);
    }
  }

  /**
   * Of one kind, who can take on one more team: who has room, who is in the object's team and not settled there, and
   * who can hand a later object on to one of these. `canLeave` says through which object.
   */
  #chains(object, kind, settled) {
    const canLeave = new Map(); // place -> the object handed on, or null
    const successor = new Map(); // object handed on -> who takes it
    for (const place of this.ofKind.get(kind)) {
      const leaves = this.teams[object].has(place) && !settled.has(place);
      if (leaves || (this.loads[place] < this.cap && !this.teams[object].has(place))) canLeave.set(place, null);
    }
    for (const place of canLeave.keys()) {
      for (const other of this.objectsOf[place]) {
        if (other <= object || successor.has(other) || this.teams[other].has(place)) continue;
        successor.set(other, place);
        for (const member of this.teams[other]) {
          if (this.kindOf[member] === kind && !canLeave.has(member)) canLeave.set(member, other);
        }
      }
    }
    return { canLeave, successor };
  }

  /** Let `place` enter the object's team, and hand on along the chain what it cannot keep. */
  #exchange(object, place, { canLeave, successor }, settled) {
    const team = this.teams[object];
    const kind = this.kindOf[place];
    let last = place;
    for (let other = canLeave.get(last); other !== null; other = canLeave.get(last)) {
      this.teams[other].delete(last);
      last = successor.get(other);
      this.teams[other].add(last);
    }
    const gone = team.has(last) ? last : [...team].find((each) => this.kindOf[each] === kind && !settled.has(each));
    team.delete(gone);
    team.add(place);
    this.loads[gone]--;
    this.loads[last]++;
  }
}

/**
 * The walk from a start (specs/assignment.md §6.4). Every choice is the smallest of tickets that nobody knows before.
 * @param {object} team the plan's rules
 * @param {Block} block
 * @param {number[][]} start
 * @param {import('./lots.mjs').Lots} lots
 * @returns {Member[][]} the teams it ends with
 */
export function walk(team, block, start, lots) {
  const { objects } = block;
  const teams = start.map((places) => places.map((place) => block.inspectors[place]));
  const loads = new Map(block.inspectors.map((member) => [member, 0]));
  for (const members of teams) for (const member of members) loads.set(member, loads.get(member) + 1);
  const eligible = eligibleSets(block);
  const first = (purpose, members) =>
    members[lots.smallest(1, 'switch', purpose, members.map(({ no }) => no))[0]];

  for (let step = 0; step < team.steps; step++) {
    const together = 1 + (step % 3);
    if (objects.length < together) continue;
    const chosen = lots.smallest(together, 'switch', [objects[0], step], objects);
    const leaving = chosen.map((object) => first([objects[0], step, objects[object]], teams[object]));
    let entering;
    if (together === 1) {
      const [object] = chosen;
      const others = block.members.get(objects[object]).filter((member) =>
        member.department === leaving[0].department && !teams[object].includes(member));
      if (others.length === 0) continue;
      entering = [first([objects[0], step, objects[object]], others)];
      if (loads.get(entering[0]) >= team.cap) continue;
    } else {
      entering = [...leaving.slice(1), leaving[0]];
    }
    const moved = chosen.map((object, i) => {
      const [leaves, enters] = [leaving[i], entering[i]];
      if (teams[object].includes(enters) || !eligible[object].has(enters)) return null;
      if (enters.department !== leaves.department) return null;
      const after = teams[object].map((member) => (member === leaves ? enters : member));
      return hasSpecialities(team, after) ? after : null;
    });
    if (moved.includes(null)) continue;
    chosen.forEach((object, i) => (teams[object] = moved[i]));
    for (const member of leaving) loads.set(member, loads.get(member) - 1);
    for (const member of entering) loads.set(member, loads.get(member) + 1);
  }
  return teams;
}

function eligibleSets(block) {
  const known = new Map();
  return block.objects.map((no) => {
    const members = block.members.get(no);
    if (!known.has(members)) known.set(members, new Set(members));
    return known.get(members);
  });
}
