/** Substitutions follow from their calls (specs/acts.md §3): each is made again, in the order of the calls. */

import { readAct } from '../core/acts.mjs';
import { canonical } from '../core/encoding.mjs';
import { CannotTell, CheckFails } from '../core/errors.mjs';
import { embargoCommitment } from '../core/seed.mjs';
import { substituteOf } from '../core/substitution.mjs';
import { drawKey } from '../core/tickets.mjs';
import { outcomeOf } from './again.mjs';
import { recusalsOf } from './inputs.mjs';
import { rulesOf } from './rules.mjs';
import { lastTime, limitOf, randomnessOf } from './sources.mjs';
import { wholeLog } from './wholelog.mjs';

/** The reason of a call that says nothing of whoever dropped out but that one object is not for them. */
const RECUSAL = 'recusal';

/**
 * Judge the calls of a draw and their substitutions.
 * @param {object} kase
 * @param {import('./keys.mjs').Item[]} acts those about the draw
 * @returns {{order: string[], teams: Map<string, string[]>, calls: object[], substitutions: number}} the teams, without
 *   departments, after all of it; `order` is that of the draw
 */
export function judgeCalls(kase, acts) {
  const ofType = (type) => acts.filter(({ statement }) => statement.type === type);
  const judge = new Judge(kase, ofType('substitution-call'), ofType('substitution'), ofType('opening'));
  const { selection } = outcomeOf(kase);
  const calls = judge.all();
  const order = selection.drawn.map(({ no }) => no);
  const teams = new Map(order.map((no) => [no, judge.teams.get(no).map(([, inspector]) => inspector)]));
  return { order, teams, calls, substitutions: calls.filter(({ filled }) => filled).length };
}

class Judge {
  constructor(kase, calls, substitutions, openings) {
    const { teams, experts } = outcomeOf(kase).assignment;
    this.kase = kase;
    this.calls = calls;
    this.substitutions = substitutions;
    this.openings = openings;
    this.sealed = kase.announced.disclosure.kind === 'until';
    this.teams = new Map(teams);
    this.experts = new Map([...teams.keys()].map((no) => [no, experts.get(no) ?? []]));
    this.out = new Set();
    this.vacancies = new Map(); // the index of the call of each
  }

  /** Take the calls in log order, whatever the order of their substitutions. */
  all() {
    return this.calls.map((call) => this.#one(call));
  }

  #one(call) {
    const { kase } = this;
    const { index, statement } = call;
    if (this.sealed && statement.embargo === null) throw new CheckFails('sealed-draw-shows', { index });
    if (!this.sealed && statement.embargo !== null) throw new CheckFails('open-draw-hides', { index });
    const embargo = this.#embargoOf(call);
    const { no, inspector } = readAct(kase.shown(statement.vacancy), 'vacancy').act;
    const { history, freshness } = wholeLog(kase);
    const limit = limitOf(kase, statement);
    if (!history.obeysOrder(index, limit)) throw new CheckFails('substitution-late', { index, limit });
    this.#needVacancy(index, no, inspector);
    const [substitution, second] = this.substitutions.filter(({ statement: { call: ref } }) => ref.text === call.hash);
    if (second) throw new CheckFails('another-substitution', { index: second.index, expected: substitution.index });
    this.out.add(inspector);
    if (!substitution) {
      if (lastTime(kase, statement) <= freshness) kase.find('overdue-substitution', { index, object: no });
      return { no, inspector, reason: statement.reason, filled: false };
    }
    this.#needOrder(call, substitution);
    this.#fill(call, substitution, { no, inspector, embargo });
    return { no, inspector, reason: statement.reason, filled: true };
  }

  /** The embargo key of a call of a sealed draw, which an opening of the call carries; null of an open one's. */
  #embargoOf({ hash, index, statement }) {
    if (!this.sealed) return null;
    const opening = this.openings.find(({ statement: { of, embargo } }) => of.text === hash && embargo !== null);
    if (!opening) throw new CannotTell('substitution-sealed', { index });
    const { embargo } = opening.statement;
    const made = embargoCommitment({ slot: this.kase.announced.slots[0], embargo });
    if (made !== statement.embargo) {
      throw new CheckFails('another-embargo', { expected: statement.embargo, found: made });
    }
    return embargo;
  }

  /** Whoever drops out is there, and dropped out of the object once: two open calls are two draws to choose from. */
  #needVacancy(index, no, inspector) {
    const vacancy = canonical([no, inspector]);
    const earlier = this.vacancies.get(vacancy);
    if (earlier !== undefined) throw new CheckFails('second-call', { expected: earlier, index, object: no });
    this.vacancies.set(vacancy, index);
    const team = this.teams.get(no);
    if (!team) throw new CheckFails('object-not-drawn', { no, index });
    const members = [...team.map(([, member]) => member), ...this.experts.get(no)];
    if (!members.includes(inspector)) throw new CheckFails('not-in-team', { no, expected: members, found: inspector });
  }

  /** A substitution waits for those of all earlier calls, so that nobody chooses the order in which pools shrink. */
  #needOrder(call, { index }) {
    const before = this.substitutions.filter((substitution) => substitution.index < index);
    const filled = new Set(before.map(({ statement }) => statement.call.text));
    const waiting = this.calls.find((other) => other.index < call.index && !filled.has(other.hash));
    if (waiting) throw new CheckFails('substitution-out-of-order', { expected: waiting.index, index });
  }

  #fill(call, { index, statement }, { no, inspector, embargo }) {
    const key = this.#keyOf(call, statement, index, embargo);
    const found = readAct(this.kase.shown(statement.result), 'substitute').act;
    const made = this.#substitute(key, no, inspector);
    if (canonical(found) !== canonical(made)) {
      throw new CheckFails('substitution-differs', { object: no, expected: made.in, index, found: found.in });
    }
    const replace = (one) => (one === inspector ? made.in : one);
    if (made.expert) this.experts.set(no, this.experts.get(no).map(replace));
    else this.teams.set(no, this.teams.get(no).map(([department, one]) => [department, replace(one)]));
  }

  #keyOf(call, { key, pulses }, index, embargo) {
    const { kase, sealed } = this;
    const gave = randomnessOf(kase, call, pulses, wholeLog(kase).history);
    const made = drawKey({ kind: 'substitution-call', hash: call.hash, seeds: [], pulses: gave, embargo });
    if (sealed && key !== null) throw new CheckFails('sealed-draw-shows', { index });
    if (!sealed && key !== made) throw new CheckFails('another-key', { expected: made, found: key });
    return made;
  }

  /** Who comes in, of those who were eligible when the draw was announced. */
  #substitute(key, no, inspector) {
    const { announced, plan, rosters } = this.kase;
    return substituteOf({
      key,
      team: plan.statement.team,
      object: rosters.objects.rows.find((row) => row.no === no),
      inspectors: rosters.inspectors.rows,
      recusals: recusalsOf(this.kase),
      window: announced.window,
      teams: this.teams,
      experts: this.experts,
      out: this.out,
      inspector,
      cap: outcomeOf(this.kase).assignment.caps.get(no) ?? null,
    });
  }
}

/** What a reader should know of the calls, once all are judged. */
export function noteCalls(kase, { calls, teams }) {
  const expected = kase.plan.statement.substitutions;
  const times = new Map();
  for (const { no } of calls) times.set(no, (times.get(no) ?? 0) + 1);
  for (const [object, found] of sorted(times)) {
    if (found > expected) kase.find('re-rolled', { object, found, expected });
  }
  const reasons = new Map();
  for (const { inspector, reason } of calls) reasons.set(inspector, [...(reasons.get(inspector) ?? []), reason]);
  const codes = new Set([RECUSAL, ...(rulesOf(kase)?.recusal_reasons ?? []).map(({ code }) => code)]);
  for (const [inspector, said] of sorted(reasons)) {
    if (said.length === 1 && codes.has(said[0])) continue;
    const objects = [...teams.keys()].filter((no) => teams.get(no).includes(inspector)).sort();
    if (objects.length > 0) kase.find('still-inspects', { inspector, objects });
  }
}

const sorted = (map) => [...map].sort(([a], [b]) => (a < b ? -1 : 1)); // numbers are ASCII
