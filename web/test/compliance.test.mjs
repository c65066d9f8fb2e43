/** specs/vectors/compliance.json: plans and announcements under a regulation, lists of items (specs/compliance.md). */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { announcementFaults, planFaults } from '../src/core/compliance.mjs';
import { canonical, parse, utf8 } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { readItems } from '../src/core/itemlist.mjs';
import { readRegulation } from '../src/core/regulation.mjs';
import { parseStatement } from '../src/core/schema.mjs';
import { refuses, runVectors, vectors } from './vectors.mjs';

function faults(vector) {
  const items = readItems(utf8(vector.items));
  const regulation = readRegulation(utf8(vector.regulation));
  return 'plan' in vector
    ? planFaults(regulation, parseStatement(utf8(vector.plan)), items)
    : announcementFaults(regulation, parseStatement(utf8(vector.announcement)));
}

runVectors('compliance', (vector) => {
  const [first] = faults(vector);
  if (first) throw new Refusal(first.fault, first);
});

const [plain] = vectors('compliance').accept;
const regulation = parse(utf8(plain.regulation.trimEnd()));
const plan = parse(utf8(plain.plan.trimEnd()));
const lineOf = (value) => `${canonical(value)}\n`;
const under = (changes, planned = {}) =>
  faults({
    items: plain.items,
    regulation: lineOf({ ...regulation, ...changes }),
    plan: lineOf({ ...plan, ...planned }),
  }).map(({ fault, where }) => (where ? `${fault} ${where}` : fault));
const rules = (change) => ({ rules: plan.rules.map((rule) => ({ ...rule, ...change(rule) })) });
const cite = { cite: ['第一条'], principle: false, laxer: null };

test('a fault says what is asked for, by which article, and what was found', () => {
  const [fault] = faults({ ...plain, plan: lineOf({ ...plan, yearly_cap: 3 }) });
  assert.deepEqual(fault, { fault: 'cap-above', cite: ['第四条'], where: 'yearly_cap', expected: 2, found: 3 });
});

test('a floor of a year is reached by the draws of the item together', () => {
  const yearly = { ratios: [{ ...regulation.ratios[0], period: 'year', type: null, ratio: '10/100' }] };
  const twice = { slots: ['2026/accounts/1', '2026/fund-use/1', '2026/fund-use/2'], schedule: [] };
  const floors = rules((rule) => ({ ratios: rule.ratios.map((entry) => ({ ...entry, floor: '5/100' })) }));
  assert.deepEqual(under(yearly, { ...twice, ...floors }), ['ratio-below-floor accounts/medical']);
  assert.deepEqual(under(yearly, { ...twice, ...floors, kind: 'special' }), []);
  const shares = ['1', '2'].map((batch) => ({
    ...{ slot: `2026/fund-use/${batch}`, first: '2026-03-01', last: '2026-06-30', share: '1/2' },
  }));
  assert.deepEqual(under(yearly, { ...twice, ...floors, schedule: shares }), [
    'ratio-below-floor accounts/medical',
    'ratio-below-floor fund-use/medical',
    'ratio-below-floor fund-use/pharmacy',
  ]);
});

test('a ceiling and an exact ratio ask for their rounding where there are no grades', () => {
  const ungraded = rules(() => ({ grade: null, grades: [], top_up: [] }));
  const ceiling = { grades: [], ratios: [{ ...regulation.ratios[0], kind: 'ceiling', ratio: '5/100', type: null }] };
  assert.deepEqual(under(ceiling, ungraded), [
    'rounding-differs fund-use/medical',
    'rounding-differs fund-use/pharmacy',
  ]);
  const lower = { ...ceiling, ratios: [{ ...ceiling.ratios[0], ratio: '4/100' }] };
  assert.deepEqual(under(lower, ungraded).slice(0, 2), [
    'ratio-above-ceiling fund-use/medical',
    'rounding-differs fund-use/medical',
  ]);
});

test('the filter says which types a ratio concerns', () => {
  const filtered = (filter) => {
    const flat = rules((rule) => ({
      filter,
      strata: [],
      ratios: [{ ...rule.ratios[0], of: [], ratio: '3/100', floor: '1/100' }],
    }));
    return under({ items: [], ratios: regulation.ratios, list_only: null }, flat).filter((one) =>
      one.includes('fund-use/'),
    );
  };
  const both = ['ratio-below-floor fund-use/medical', 'ratio-below-floor fund-use/pharmacy'];
  assert.deepEqual(filtered(''), both);
  assert.deepEqual(filtered('type in {"medical","pharmacy"}'), both);
  assert.deepEqual(filtered('type = "medical"'), [both[0]]);
  assert.deepEqual(filtered('level = 1 and type = "pharmacy"'), [both[1]]);
  assert.deepEqual(filtered('type in {"medical","pharmacy"} and type = "pharmacy"'), [both[1]]);
  assert.deepEqual(filtered('level = 1 or type = "pharmacy"'), both);
  assert.deepEqual(filtered('type != "medical"'), both);
});

test('a grade of whom nobody is drawn needs an exemption', () => {
  const exempting = rules((rule) => ({
    grades: rule.grades.map((grade) => ({ ...grade, factor: '0/1', whole: false })),
  }));
  const silent = { grades: [] };
  assert.equal(under(silent, exempting)[0], 'exemption-not-foreseen good');
  assert.deepEqual(under({ ...silent, exemption: { ...cite, value: true } }, exempting), []);
});

test('no mangled item is an item', () => {
  const [first, ...others] = plain.items.split('\n');
  const item = parse(utf8(first));
  for (const [field, wrong] of [
    ['id', 'Accounts'],
    ['name', ''],
    ['types', ['medical', 'medical']],
    ['levels', ['town']],
    ['ratio', '3/100.0'],
    ['ratio', null],
    ['frequency', { kind: 'at-most', times: 0 }],
    ['cite', []],
  ]) {
    const twin = [canonical({ ...item, [field]: wrong }), ...others].join('\n');
    refuses('bad-item-list', () => readItems(utf8(twin)));
  }
  for (const field of Object.keys(item)) {
    const { [field]: gone, ...twin } = item;
    refuses('bad-item-list', () => readItems(utf8([canonical(twin), ...others].join('\n'))));
  }
  refuses('bad-item-list', () => readItems(utf8(`${first}\n${first}\n`)));
  refuses('bad-item-list', () => readItems(utf8(plain.items.trimEnd())));
});
