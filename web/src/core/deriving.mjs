/**
 * Whether a regulation that derives from another is stricter, and says why where it is not (specs/regulation.md §6).
 *
 * A change that is not shown to be stricter is laxer: what this module does not understand needs a reason.
 */

import { canonical } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { compareRatios, parseRatio, whole } from './ratio.mjs';
import { READINGS, RULES, rulesOf, special } from './regulation.mjs';

const LAXER = -1;
const SAME = 0;
const STRICTER = 1;

/** Of several changes together: one that is laxer is not made good by others. */
const together = (...changes) => Math.min(...changes) || Math.max(...changes);

const same = (a, b) => canonical(a) === canonical(b);

/** Whether a list of words or texts has all of another. */
function includes(all, some) {
  const known = new Set(all);
  return some.every((one) => known.has(one));
}

/** A change of a number of which more binds more. */
const rising = (from, to) => Math.sign(to - from) || SAME;

/** A change of a list whose elements bind, or of one whose elements allow. */
const more = (from, to) => (includes(to, from) ? (includes(from, to) ? SAME : STRICTER) : LAXER);
const fewer = (from, to) => more(to, from);

const unchanged = (from, to) => (same(from, to) ? SAME : LAXER);

/** Null, and after it what binds more. */
const fromNull = (change) => (from, to) => {
  if (from === null || to === null) return Number(from === null && to !== null) - Number(from !== null && to === null);
  return change(from, to);
};

/** Where null binds most: what allows something is nothing until it is said. */
const toNull = (change) => {
  const turned = fromNull((from, to) => change(to, from));
  return (from, to) => turned(to, from);
};

const day = (monthDay) => Number(monthDay.replace('-', ''));
const falling = (from, to) => (typeof from === 'string' ? rising(day(to), day(from)) : rising(to, from));
const yes = (from, to) => rising(Number(from === true), Number(to === true));
const QUALIFICATION = ['principle', 'required']; // after null and `not-required`, which bind equally

/** The directions of §2, each a change from the parent's value to the child's; either may be null. */
const PROVISIONS = new Map([
  ['more', fromNull(rising)],
  ['less', fromNull(falling)],
  ['true', yes],
  ['false', (from, to) => yes(to, from)],
  ['all', fromNull(more)],
  ['none but', toNull(fewer)],
  ['as it is', fromNull(unchanged)],
  ['qualification', (from, to) => rising(QUALIFICATION.indexOf(from), QUALIFICATION.indexOf(to))],
  ['joint', fromNull((from, to) => fromNull(rising)(from.each, to.each))],
  ['supervisors', fromNull((from, to) => together(more(from.roles, to.roles), rising(from.minimum, to.minimum)))],
  [
    'substitution',
    fromNull((from, to) => together(fromNull(unchanged)(from.from, to.from), yes(from.fresh, to.fresh))),
  ],
  ['deferral', toNull((from, to) => yes(from.written, to.written))],
  [
    'noncooperation',
    fromNull((from, to) => together(rising(to.times, from.times), yes(from.per === 'year', to.per === 'year'))),
  ],
  ['publication', fromNull((from, to) => (from.unit === to.unit ? rising(to.days ?? 0, from.days ?? 0) : LAXER))],
  [
    'retention',
    fromNull((from, to) => together(fromNull(rising)(from.years, to.years), yes(from.unaltered, to.unaltered))),
  ],
]);

// --- entries (§6.3) ---

/** A change of a limit: never of its kind; a floor may rise, and a ceiling may fall. */
function limitChange(from, to) {
  const compared = compareRatios(parseRatio(to.ratio), parseRatio(from.ratio));
  if (compared === 0 && from.kind === to.kind) return SAME;
  if (from.kind !== to.kind || from.kind === 'exact') return LAXER;
  return from.kind === 'floor' ? compared : -compared;
}

const ownLimit = (item) => (item.ratio === null ? null : { ratio: item.ratio, kind: item.ratio_kind });

function itemChange(from, to) {
  return together(
    more(from.types, to.types),
    fewer(from.methods, to.methods),
    more(from.basis, to.basis),
    fromNull(limitChange)(ownLimit(from), ownLimit(to)),
    fromNull(unchanged)(from.frequency, to.frequency),
    ...['content', 'category', 'bodies', 'levels'].map((name) => unchanged(from[name], to[name])),
  );
}

function gradeChange(from, to) {
  if (from.full || to.full || from.kind !== to.kind) return unchanged([from.full, from.kind], [to.full, to.kind]);
  const compared = compareRatios(parseRatio(to.factor), parseRatio(from.factor));
  if (compared === 0) return SAME;
  if (from.kind === 'exact') return LAXER;
  return from.kind === 'at-least' ? compared : -compared;
}

/** Of grounds one suffices: fewer bind more, and so does a lower amount. */
function lenientChange(from, to) {
  if (same(from.grounds, to.grounds)) return SAME;
  const amounts = from.grounds.filter(({ code }) => code === 'amount-below').map(({ value }) => value);
  const highest = amounts.reduce((most, value) => Math.max(most, value), 0);
  const others = new Set(from.grounds.map(({ code, value }) => `${code} ${value}`));
  const within = ({ code, value }) => (code === 'amount-below' ? value <= highest : others.has(`${code} ${value}`));
  return to.grounds.every(within) ? STRICTER : LAXER;
}

const CHANGES = new Map([
  ['ratios', limitChange],
  ['items', itemChange],
  ['grades', gradeChange],
  ['leniency', lenientChange],
  ['object_types', (from, to) => unchanged(from.optional, to.optional)],
  ['weightings', (from, to) => unchanged(from.towards, to.towards)],
  ['readings', (from, to) => unchanged(from.value, to.value)],
]);

/** Whether a further entry of a list of which the child has all binds more, where it does not always. */
const FURTHER = new Map([
  ['ratios', (parent, limit) => loosensNothing(parent, limit)],
  ['items', (parent, item) => item.ratio === null || itemLoosensNothing(parent, item)],
  [
    'grades',
    (_, { full, factor, kind }) => full || (kind !== 'at-most' && compareRatios(parseRatio(factor), whole(1)) >= 0),
  ],
  ['weightings', (_, { towards }) => towards === 'more'],
  ['readings', (_, { code, value }) => READINGS.get(code)[0] === value],
]);

/** Whether two limits can be of one type, item or category. */
const meets = (one, other) => one === null || other === null || one === other;

/** Else 1 % for one item would undo 5 % for all: the more special limit is the one that counts (§4). */
function loosensNothing(parent, limit) {
  return parent.ratios
    .filter(
      (wide) =>
        special(wide) < special(limit) &&
        wide.period === limit.period &&
        ['type', 'item', 'category'].every((name) => meets(wide[name], limit[name])),
    )
    .every((wide) => limitChange(wide, limit) !== LAXER);
}

function itemLoosensNothing(parent, item) {
  const limit = ownLimit(item);
  return parent.ratios
    .filter(
      (wide) =>
        wide.period === 'draw' &&
        meets(wide.item, item.id) &&
        meets(wide.category, item.category) &&
        // An item without types is for all of them.
        (item.types.length === 0 || item.types.some((type) => meets(wide.type, type))),
    )
    .every((wide) => limitChange(wide, limit) !== LAXER);
}

// --- what departs (§6.2), and what a reader checks (§6.4) ---

/** A rule of the parent beside the child's, either of which may be null. */
function change(field, parent, from, to) {
  const { keys, stricter } = RULES.get(field);
  if (!keys) return provisionChange(PROVISIONS.get(stricter), from, to);
  const further = stricter === 'all' ? STRICTER : LAXER;
  if (to === null) return -further;
  if (from === null) return FURTHER.has(field) && !FURTHER.get(field)(parent, to) ? LAXER : further;
  let changed = CHANGES.get(field)?.(from, to) ?? SAME;
  const limited = field === 'items' && from.ratio === null && to.ratio !== null;
  if (limited && !itemLoosensNothing(parent, to)) changed = LAXER;
  return together(changed, rising(Number(to.principle), Number(from.principle)));
}

function provisionChange(order, from, to) {
  const [before, after] = [from?.value ?? null, to?.value ?? null];
  const changed = order(before, after);
  const [wasInPrinciple, isInPrinciple] = [from?.principle ?? false, to?.principle ?? false];
  if (isInPrinciple && !wasInPrinciple) {
    // A rule in principle still binds more than silence, where the parent bound no more than that.
    const overSilence = order(before, null) === SAME && order(null, after) === STRICTER;
    return overSilence ? changed : LAXER;
  }
  if (wasInPrinciple && !isInPrinciple && to !== null) return together(changed, STRICTER);
  return changed;
}

/** The rules that are compared: validity, platform and drawing unit are each document's own (§6.1). */
function compared(regulation) {
  const rules = [...rulesOf(regulation)].filter(({ field }) => RULES.get(field).stricter !== null);
  return new Map(rules.map((one) => [one.rule, one]));
}

/** The rules of both: those of one value, then the entries, by field and as the parent and then the child has them. */
function inOrder(before, after) {
  const fields = [...RULES.keys()];
  const place = ({ field }) => fields.indexOf(field) + (RULES.get(field).keys ? fields.length : 0);
  const rules = new Map([...before, ...after]);
  return [...rules.keys()].sort((a, b) => place(rules.get(a)) - place(rules.get(b)));
}

/**
 * Where a regulation departs from its parent.
 *
 * @returns {{rule: string, direction: 'stricter'|'laxer', expected: unknown, found: unknown, reason: string|null}[]}
 */
export function departures(parent, child) {
  const [before, after] = [compared(parent), compared(child)];
  const reasons = new Map(child.dropped.map(({ rule, laxer }) => [rule, laxer]));
  const found = [];
  for (const rule of inOrder(before, after)) {
    const [from, to] = [before.get(rule), after.get(rule)];
    const direction = change((from ?? to).field, parent, from?.said ?? null, to?.said ?? null);
    if (direction === SAME) continue;
    found.push({
      rule,
      direction: direction === STRICTER ? 'stricter' : 'laxer',
      expected: from?.said ?? null,
      found: to?.said ?? null,
      reason: direction === STRICTER ? null : to ? to.said.laxer : (reasons.get(rule) ?? null),
    });
  }
  return found;
}

/** Refuse what does not derive from this parent, or is laxer without a reason (§6.4); return the departures. */
export function checkDerived(parent, child) {
  const file = child.id;
  if (child.extends === null || child.extends.id !== parent.id || child.extends.digest !== parent.digest) {
    throw new Refusal('regulation-parent-differs', {
      file,
      expected: child.extends?.digest ?? null,
      found: parent.digest,
    });
  }
  const [before, after] = [compared(parent), compared(child)];
  const dropped = new Set(child.dropped.map(({ rule }) => rule));
  for (const rule of dropped) {
    if (!before.has(rule) || after.has(rule)) throw new Refusal('regulation-dropped-nothing', { file, found: rule });
  }
  for (const rule of before.keys()) {
    if (!after.has(rule) && !dropped.has(rule)) throw new Refusal('regulation-lost', { file, key: rule });
  }
  const found = departures(parent, child);
  const bare = found.find(({ direction, reason }) => direction === 'laxer' && reason === null);
  if (bare) {
    const { rule, expected, found: says } = bare;
    throw new Refusal('laxer-without-reason', { file, rule, expected, found: says });
  }
  return found;
}
