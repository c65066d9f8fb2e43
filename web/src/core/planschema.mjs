/** The fields of a `plan` statement, and what holds between them (specs/statements.md §3.3). */

import {
  artifact, boolean, count, date, fieldName, id, integer, listOf, name, nullOr, oneOf, positive, ratio, reason, record,
  ref, share, single, slot, spelling, text, tuple,
} from './values.mjs';

const rounding = oneOf('ceil', 'nearest', 'floor');

const distinct = (strings) => new Set(strings).size === strings.length;

const ratioOfStratum = record({ of: listOf(single), ratio: share, rounding, floor: nullOr(share) });

const gradeFactor = record({ grade: single, factor: ratio, rounding, whole: boolean });

const rule = record(
  {
    items: listOf(id, { least: 1, sorted: true }),
    filter: text(2000),
    strata: listOf(fieldName),
    ratios: listOf(ratioOfStratum, { least: 1, distinct: true, by: (item) => spelling(item.of) }),
    grade: nullOr(fieldName),
    grades: listOf(gradeFactor, { distinct: true, by: (item) => spelling(item.grade) }),
    top_up: listOf(single),
    region: nullOr(fieldName),
    each_region: boolean,
  },
  [
    ['ratios', ({ ratios, strata }) => ratios.every(({ of }) => of.length <= strata.length)],
    ['grades', ({ grades, grade }) => (grades.length === 0) === (grade === null)],
    ['each_region', ({ each_region, region }) => !each_region || region !== null],
    ['strata', ({ strata, grade, region }) => distinct([...strata, grade, region].filter((field) => field !== null))],
  ],
);

const RULES = ['same', 'differ', 'true', 'valid', 'at-least', 'contains', 'under']; // specs/assignment.md §1.1

const eligible = listOf(record({ rule: oneOf(...RULES), object: nullOr(fieldName), inspector: fieldName }));

const quota = listOf(tuple(text(), positive), { sorted: true, by: ([department]) => department });

const specialities = listOf(record({ field: fieldName, value: text(), number: positive }), {
  most: 4,
  distinct: true,
  by: ({ field, value }) => spelling([field, value]),
});

/** Few enough that whether there is such a team can be found out exactly (specs/assignment.md §1.3). */
const areFew = ({ specialities: all, size }) =>
  all.every(({ number }) => number <= size) && all.reduce((sum, { number }) => sum + number, 0) <= 12;

const team = record(
  {
    size: integer(2, 50),
    department: nullOr(fieldName),
    quota,
    eligible,
    specialities,
    experts: nullOr(record({ number: integer(0, 20), expert: fieldName, eligible })),
    order: oneOf('both', 'objects-first'),
    pool: nullOr(positive),
    cap: nullOr(positive),
    limit: integer(1, 10_000),
    beyond: oneOf('raise-cap', 'switch-chain', 'void'),
    steps: nullOr(integer(1, 1_000_000)),
  },
  [
    ['quota', (self) => (self.quota.length === 0) === (self.department === null)],
    ['quota', (self) => self.quota.length === 0 || self.quota.reduce((sum, [, n]) => sum + n, 0) === self.size],
    ['specialities', areFew],
    ['pool', ({ pool, size, order }) => pool === null || (pool >= size && order === 'both')],
    ['steps', ({ steps, beyond }) => (steps !== null) === (beyond === 'switch-chain')],
    ['cap', ({ cap, beyond }) => beyond !== 'switch-chain' || cap !== null],
  ],
);

const batch = record({ slot, first: date, last: date, share: nullOr(ratio) }, [
  ['last', ({ first, last }) => first <= last], // both have one length, so that text and calendar agree
]);

const itemOf = (name) => name.split('/')[1];

/** Every item of a slot has exactly one rule, and no rule is of another item. */
function rulesFitSlots({ rules, slots }) {
  const ruled = rules.flatMap(({ items }) => items);
  const items = new Set(slots.map(itemOf));
  return distinct(ruled) && ruled.length === items.size && ruled.every((item) => items.has(item));
}

export const plan = {
  fields: {
    plan: id,
    kind: oneOf('yearly', 'special'),
    year: integer(2000, 9999),
    slots: listOf(slot, { least: 1, sorted: true }),
    schedule: listOf(batch, { sorted: true, by: (item) => item.slot }),
    items: nullOr(ref),
    objects: id,
    inspectors: id,
    joint: listOf(record({ name, inspectors: id })),
    rules: listOf(rule, { least: 1, sorted: true, by: ({ items }) => items[0] }),
    yearly_cap: nullOr(positive),
    team,
    audit: count,
    substitutions: count,
    voids: listOf(reason, { sorted: true }),
    regulation: nullOr(artifact),
    reason: nullOr(reason),
  },
  rules: [
    ['slots', (self) => self.slots.every((name) => name.startsWith(`${self.plan}/`))],
    ['schedule', (self) => self.schedule.every((item) => self.slots.includes(item.slot))],
    ['rules', rulesFitSlots],
  ],
};
