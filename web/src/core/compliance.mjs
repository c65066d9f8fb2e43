/**
 * Whether a plan and an announcement obey the regulation that they name (specs/compliance.md).
 *
 * A **fault** is `{fault, cite, where, expected, found}`: its code, the articles that it is against, what they ask for.
 */

import { compareText } from './encoding.mjs';
import { parseFilter } from './filter.mjs';
import { compareRatios, parseRatio, product, whole } from './ratio.mjs';
import { limitsOf } from './regulation.mjs';

/** The reasons of a void that a machine checks (specs/verification.md §4.2). */
export const MACHINE_REASONS = ['attempts-exhausted', 'chain-retired', 'quorum-not-shown', 'required-seed-missing'];

/** The attribute that holds a regulation's object types (specs/compliance.md §1). */
const TYPE = 'type';

const ROUNDINGS = new Map([
  ['exact', 'nearest'],
  ['ceiling', 'floor'],
]);

/**
 * The faults of an announcement (specs/compliance.md §4).
 *
 * @param {object} regulation
 * @param {object} announcement
 */
export function announcementFaults(regulation, { disclosure, window }) {
  const faults = [];
  if (regulation.disclosure?.value === 'until-visit' && disclosure.kind !== 'until') {
    faults.push(fault('disclosure-at-once', regulation.disclosure, '', 'until-visit', 'at-once'));
  }
  faults.push(...outOfForce(regulation, 'window', [window]));
  return faults;
}

/**
 * The faults of a plan, in the order of specs/compliance.md §3.
 *
 * @param {object} regulation
 * @param {object} plan
 * @param {object[]} items those of the logged list
 */
export function planFaults(regulation, plan, items) {
  const draws = drawsOf(plan);
  const limitOf = limitsOf(regulation);
  const types = regulation.object_types.map(({ id }) => id).sort(compareText);
  const asked = regulation.grades.length > 0;
  return [
    ...unlistedItems(regulation, plan, items),
    ...outOfForce(
      regulation,
      'schedule',
      plan.schedule.flatMap(({ first, last }) => [first, last]),
    ),
    ...unknownVoids(regulation, plan),
    ...capFaults(regulation, plan),
    ...frequencyFaults(plan, draws, items),
    ...teamFaults(regulation, plan),
    ...plan.rules.flatMap((rule) => [
      ...ratioFaults({ regulation, plan, draws, limitOf, types }, rule),
      ...(asked ? gradeFaults(regulation, rule) : exemptions(regulation, rule)),
      ...regionFaults(regulation, rule),
    ]),
  ];
}

const fault = (code, rule, where = '', expected = null, found = null) => ({
  fault: code,
  cite: rule?.cite ?? [],
  where,
  expected,
  found,
});

const itemsOf = (plan) => plan.rules.flatMap((rule) => rule.items).sort();

function unlistedItems({ list_only: listOnly }, plan, items) {
  const listed = new Set(items.map(({ id }) => id));
  return itemsOf(plan)
    .filter((item) => !listed.has(item))
    .map((item) => fault('item-outside-list', listOnly, item, [...listed], item));
}

function outOfForce({ validity }, where, dates) {
  if (validity === null) return [];
  const { from, until } = validity.value;
  return [...new Set(dates)]
    .sort()
    .filter((date) => date < from || (until !== null && date > until))
    .map((date) => fault('not-in-force', validity, where, null, date));
}

function unknownVoids(regulation, { voids }) {
  const known = [...regulation.void_reasons.map(({ code }) => code), ...MACHINE_REASONS].sort();
  return voids
    .filter((reason) => !known.includes(reason))
    .map((reason) => fault('void-reason-unknown', null, 'voids', known, reason));
}

function capFaults({ yearly_cap: cap }, plan) {
  if (cap === null || (plan.yearly_cap !== null && plan.yearly_cap <= cap.value)) return [];
  return [fault('cap-above', cap, 'yearly_cap', cap.value, plan.yearly_cap)];
}

/**
 * The draws of each item in the year: its slots without a share, one more if it has others (specs/compliance.md §1).
 */
function drawsOf({ slots, schedule }) {
  const shares = new Map(schedule.map(({ slot, share }) => [slot, share]));
  const instalments = new Set();
  const draws = new Map();
  for (const slot of slots) {
    const item = slot.split('/')[1];
    const part = (shares.get(slot) ?? null) !== null;
    draws.set(item, (draws.get(item) ?? 0) + Number(!part || !instalments.has(item)));
    if (part) instalments.add(item);
  }
  return draws;
}

const FREQUENCIES = {
  'at-most': (draws, times) => draws <= times,
  'at-least': (draws, times) => draws >= times,
  exactly: (draws, times) => draws === times,
};

function frequencyFaults(plan, draws, items) {
  if (plan.kind !== 'yearly') return [];
  return items
    .filter(({ id, frequency }) => frequency !== null && draws.has(id))
    .filter(({ id, frequency: { kind, times } }) => !FREQUENCIES[kind](draws.get(id), times))
    .map((item) => {
      const { kind, times } = item.frequency;
      return fault('frequency-differs', item, item.id, `${kind} ${times}`, draws.get(item.id));
    });
}

function teamFaults(regulation, { team, joint }) {
  const { team: least, joint: together, experts, qualification, order } = regulation;
  const faults = [];
  if (least !== null && team.size < least.value) {
    faults.push(fault('team-too-small', least, 'team', least.value, team.size));
  }
  const each = together?.value.each ?? null;
  if (each !== null && joint.length > 0) {
    if (team.quota.length < joint.length + 1) {
      faults.push(fault('joint-without-quota', together, 'team', joint.length + 1, team.quota.length));
    }
    for (const [department, number] of team.quota) {
      if (number < each) faults.push(fault('joint-too-few', together, department, each, number));
    }
  }
  if (team.experts !== null && experts?.value !== true) {
    faults.push(fault('experts-not-foreseen', experts, 'team', 0, team.experts.number));
  }
  const asked = ['true', 'valid'];
  if (qualification?.value === 'required' && !team.eligible.some(({ rule }) => asked.includes(rule))) {
    faults.push(fault('qualification-not-asked', qualification, 'team', asked));
  }
  if (order !== null && team.order !== order.value) {
    faults.push(fault('order-differs', order, 'team', order.value, team.order));
  }
  return faults;
}

// --- ratios ---

/** Each entry of a rule's ratios, for each of its items and types, beside the limits that it is under. */
function ratioFaults({ regulation, plan, draws, limitOf, types }, rule) {
  const attributes = [...rule.strata, rule.grade, rule.region].filter((attribute) => attribute !== null);
  const filtered = typesOfFilter(parseFilter(rule.filter));
  const listed = new Map(regulation.items.filter((item) => item.types.length).map((item) => [item.id, item.types]));
  const faults = [];
  for (const item of rule.items) {
    const others = (filtered ?? listed.get(item))?.slice().sort(compareText) ?? types;
    for (const entry of rule.ratios) {
      for (const type of typesOf(entry, attributes) ?? others) {
        for (const period of plan.kind === 'yearly' ? ['draw', 'year'] : ['draw']) {
          const limit = limitOf({ type, item, period });
          const times = period === 'year' ? draws.get(item) : 1;
          if (limit) faults.push(...againstLimit(limit, entry, { rule, where: `${item}/${type}`, times }));
        }
      }
    }
  }
  return faults;
}

function againstLimit(limit, entry, { rule, where, times }) {
  const differs = (code, expected, found) => fault(code, limit, where, expected, found);
  if (limit.kind === 'floor') {
    const floor = entry.floor === null ? whole(0) : product(parseRatio(entry.floor), whole(times));
    if (compareRatios(floor, parseRatio(limit.ratio)) >= 0) return [];
    return [differs('ratio-below-floor', limit.ratio, entry.floor)];
  }
  const compared = compareRatios(parseRatio(entry.ratio), parseRatio(limit.ratio));
  const faults = [];
  if (limit.kind === 'exact' && compared !== 0) faults.push(differs('ratio-differs', limit.ratio, entry.ratio));
  if (limit.kind === 'ceiling' && compared > 0) faults.push(differs('ratio-above-ceiling', limit.ratio, entry.ratio));
  const rounding = ROUNDINGS.get(limit.kind);
  // Where there are grades, each has its own rounding.
  if (rule.grade === null && entry.rounding !== rounding) {
    faults.push(differs('rounding-differs', rounding, entry.rounding));
  }
  return faults;
}

/** The types that an entry names by itself (specs/compliance.md §1), null where it does not reach the type. */
function typesOf({ of }, attributes) {
  const place = attributes.indexOf(TYPE);
  return place >= 0 && place < of.length ? typesAmong([of[place]]) : null;
}

/** What is no string is no type. */
const typesAmong = (values) => values.filter((value) => typeof value === 'string');

/** The types that a filter lets through, as far as tests joined by `and` say so; null where none does. */
function typesOfFilter(filter) {
  if (filter.op === 'and') {
    const said = filter.parts.map(typesOfFilter).filter((types) => types !== null);
    return said.length ? said.reduce((all, types) => all.filter((type) => types.includes(type))) : null;
  }
  if (filter.field !== TYPE) return null;
  if (filter.op === 'equal' && !filter.denied && typeof filter.value === 'string') return [filter.value];
  return filter.op === 'set' ? typesAmong(filter.values) : null;
}

// --- grades and regions ---

const exempt = ({ factor }) => compareRatios(parseRatio(factor), whole(0)) === 0;

function exemptions({ exemption }, rule) {
  if (exemption?.value === true) return [];
  return rule.grades
    .filter((grade) => !grade.whole && exempt(grade))
    .map(({ grade, factor }) => fault('exemption-not-foreseen', null, String(grade), null, factor));
}

function gradeFaults({ grades }, rule) {
  if (rule.grade === null) {
    return [
      fault(
        'grades-not-used',
        grades[0],
        '',
        grades.map(({ grade }) => grade),
      ),
    ];
  }
  return grades.flatMap((asked) => {
    const planned = rule.grades.find(({ grade }) => grade === asked.grade);
    if (!planned) return [fault('grade-missing', asked, asked.grade)];
    if (planned.whole !== asked.full) return [fault('coverage-differs', asked, asked.grade, asked.full, planned.whole)];
    if (asked.full || factorFits(asked, planned)) return [];
    return [fault('grade-factor-differs', asked, asked.grade, `${asked.kind} ${asked.factor}`, planned.factor)];
  });
}

function factorFits({ kind, factor }, planned) {
  const compared = compareRatios(parseRatio(planned.factor), parseRatio(factor));
  if (kind === 'exact') return compared === 0;
  // "At most" a share of the ratio is not kept by a number that is rounded up.
  return kind === 'at-most' ? compared <= 0 && planned.rounding === 'floor' : compared >= 0;
}

function regionFaults({ regional_balance: balance }, rule) {
  if (balance === null || rule.filter !== '' || rule.region !== null) return [];
  return [fault('regions-not-balanced', balance, rule.items.join(), 'region')];
}
