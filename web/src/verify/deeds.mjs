/** What a reader should know of the acts after a draw (specs/verification.md §7, specs/acts.md §4 to §7). */

import { isClosing, readAct, readOutcomes } from '../core/acts.mjs';
import { callFaults, deferralFaults, exceptionFaults, outcomeFaults } from '../core/conduct.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { readItems } from '../core/itemlist.mjs';
import { outcomeOf } from './again.mjs';
import { noteCalls } from './calls.mjs';
import { rulesOf } from './rules.mjs';
import { wholeLog } from './wholelog.mjs';

/**
 * Find what is to be known of each act, in log order, and take special teams into the final ones.
 * @param {object} kase
 * @param {import('./keys.mjs').Item[]} acts those about the draw
 * @param {object} final as `judgeCalls` gives it
 */
export function noteDeeds(kase, acts, final) {
  noteCalls(kase, final);
  const deeds = new Deeds(kase, final);
  const own = new Set(acts);
  // Exceptions outside of any draw name none, and are no acts about this one.
  for (const item of wholeLog(kase).history.counted) {
    if (own.has(item)) deeds.note(item);
    else if (isOutside(kase, item)) deeds.outside(item);
  }
}

const isOutside = ({ announcement }, { index, statement }) =>
  statement.type === 'exception' && statement.draw === null && index > announcement.index;

class Deeds {
  constructor(kase, final) {
    const { selection, strata } = outcomeOf(kase);
    this.kase = kase;
    this.final = final;
    this.rules = rulesOf(kase);
    const itemsOf = (places) => places.map((place) => strata[place].item);
    this.items = new Map(selection.drawn.map(({ no, strata: places }) => [no, itemsOf(places)]));
    this.deferred = new Set();
    this.ended = new Set(); // objects with an outcome
  }

  note(item) {
    const { statement } = item;
    switch (statement.type) {
      case 'substitution-call': return this.#faults(item, (rules) => callFaults(rules, statement));
      case 'deferral': return this.#deferral(item);
      case 'exception': return this.#special(item);
      case 'result':
      case 'correction': return this.#outcomes(item);
      default: return undefined;
    }
  }

  #deferral(item) {
    const { index, statement } = item;
    const act = this.#actOf(statement.deferred, 'named');
    if (act) {
      if (!this.items.has(act.no)) this.#find('act-of-undrawn', { index, object: act.no });
      else if (this.deferred.has(act.no)) this.#find('deferred-twice', { index, object: act.no });
      this.deferred.add(act.no);
    }
    this.#faults(item, (rules) => deferralFaults(rules, statement));
  }

  /** A team of this draw that was formed for special circumstances. */
  #special(item) {
    const { index, statement } = item;
    const act = this.#actOf(statement.inspection, 'inspection');
    if (!act) return;
    for (const object of act.objects) {
      if (this.items.has(object)) this.final.teams.set(object, act.inspectors);
      else this.#find('act-of-undrawn', { index, object });
    }
    this.#find('special-team', { index, objects: act.objects, reason: statement.reason });
    this.#faults(item, (rules) => exceptionFaults(rules, statement, act, listedItems(this.kase)));
  }

  /** An inspection outside of any draw, of an object that waits for its drawn team. */
  outside({ index, statement }) {
    const act = this.#actOf(statement.inspection, 'inspection');
    const objects = (act?.objects ?? []).filter((no) => this.items.has(no) && !this.ended.has(no));
    if (objects.length > 0) this.#find('exception-of-drawn-object', { index, objects });
  }

  #outcomes(item) {
    const { index, statement } = item;
    const lines = this.#linesOf(statement.outcomes);
    if (lines === null) return this.#find('outcomes-not-shown', { digest: statement.outcomes.digest, index });
    for (const line of lines) this.#outcome(item, line);
    for (const { no } of lines) this.ended.add(no);
    return undefined;
  }

  #outcome(item, line) {
    const { index, statement } = item;
    const object = line.no;
    const drawnFor = this.items.get(object);
    if (!drawnFor) return this.#find('act-of-undrawn', { index, object });
    if (statement.type === 'result' && (this.ended.has(object) || isClosing(line))) {
      this.#find('outcome-twice', { index, object });
    }
    if (isClosing(line)) return undefined;
    const other = line.items.filter((id) => !drawnFor.includes(id));
    if (other.length > 0) this.#find('outcome-of-other-items', { index, object, expected: drawnFor, found: other });
    return this.#faults(item, (rules) => outcomeFaults(rules, line, this.#earlier(item, object)));
  }

  /** The outcomes of the object, under whatever draw of its registry, that were logged before. */
  #earlier({ index }, object) {
    const told = this.kase.once('outcomes by object', () => this.#byObject()).get(object) ?? [];
    return told.filter((one) => one.index < index).map(({ line }) => line);
  }

  #byObject() {
    const { plan } = this.kase;
    const { history } = wholeLog(this.kase);
    const told = new Map();
    for (const item of history.counted) {
      if (item.statement.outcomes === undefined) continue;
      const other = drawOf(history, item);
      if (other === null || registryOf(history, other) !== plan.statement.objects) continue;
      for (const line of this.#linesOf(item.statement.outcomes) ?? []) {
        if (isClosing(line)) continue;
        if (!told.has(line.no)) told.set(line.no, []);
        told.get(line.no).push({ index: item.index, line });
      }
    }
    return told;
  }

  #linesOf(listing) {
    return this.kase.once(`outcomes ${listing.digest} ${listing.root}`, () => {
      try {
        return readOutcomes(this.kase.shown(listing), listing);
      } catch (error) {
        if (error instanceof CannotTell) return null;
        throw error;
      }
    });
  }

  /** An act, or null where it is not shown: nothing of it has to be judged. */
  #actOf(named, kind) {
    try {
      return readAct(this.kase.shown(named), kind).act;
    } catch (error) {
      if (error instanceof CannotTell) return null;
      throw error;
    }
  }

  /** Tell of the first fault that the regulation finds. */
  #faults({ index }, faultsOf) {
    if (this.rules === null) return;
    for (const { fault, cite, where, expected, found } of faultsOf(this.rules)) {
      this.#find('act-against-regulation', { article: cite, expected, fault, found, index, where });
    }
  }

  #find(code, evidence) {
    this.kase.find(code, evidence);
  }
}

/** The draw that a result or a correction is about, or null. */
function drawOf(history, { statement }) {
  const named = history.byText.get((statement.draw ?? statement.result).text);
  if (!named || named.objection) return null;
  if (named.statement.type === 'draw') return named;
  return named.statement.type === 'result' ? drawOf(history, named) : null;
}

/** The registry that a draw's objects are of, or null. */
function registryOf(history, draw) {
  const announcement = history.byText.get(draw.statement.announcement.text);
  const plan = history.byText.get(announcement?.statement.plan?.text);
  return plan?.statement.objects ?? null;
}

/** The ids of the logged items, or null where the list is not at hand. */
function listedItems(kase) {
  const { items } = kase.plan.statement;
  if (items === null) return null;
  try {
    return readItems(kase.artifact(kase.history.follow(items).statement.items)).map(({ id }) => id);
  } catch (error) {
    if (error instanceof Refusal || error instanceof CheckFails || error instanceof CannotTell) return null;
    throw error;
  }
}
