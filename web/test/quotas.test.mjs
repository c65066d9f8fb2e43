/** specs/plan.md §8, and what its §1, §2, §5 and §7 say beside. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refusal } from '../src/core/errors.mjs';
import { allocate, makeStrata, roundQuota, singledOut, strataOf } from '../src/core/quota.mjs';
import { parseRatio, product, whole } from '../src/core/ratio.mjs';
import { select } from '../src/core/selection.mjs';
import { share as checkShare } from '../src/core/values.mjs';
import { refuses, runVectors } from './vectors.mjs';

const differs = (same) => {
  if (!same) throw new Refusal('quota-differs');
};

const equal = (a, b) => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

runVectors('quotas', (given) => {
  if ('ratio_text' in given) return checkShare(given.ratio_text, 'ratio');
  if ('base' in given) {
    const exact = product(whole(given.base), parseRatio(given.ratio));
    return differs(roundQuota(exact, given.rounding) === given.quota);
  }
  const { rule, share, rows, exclusions, allocation } = given;
  const slot = `2026/${rule.items[0]}/1`;
  const plan = { rules: [rule], schedule: [{ slot, share, first: '2026-01-01', last: '2026-12-31' }] };
  const strata = makeStrata({
    plan,
    slots: [slot],
    roster: { rows: rows.map(([no, attrs]) => ({ no, attrs })) },
    exclusions: exclusions.map(([item, no, reason]) => ({ item, no, reason })),
  });
  const told = strata.map(({ values, total, base, eligible, quota, derivation }) => ({
    stratum: values, total, base, eligible: eligible.length, quota, derivation,
  }));
  return differs(equal(told, allocation));
});

// --- beside the vectors ----------------------------------------------------------------------------------------------

const rule = (change) => ({
  items: ['fund-use'], filter: '', strata: [], ratios: [{ of: [], ratio: '1/10', rounding: 'ceil', floor: null }],
  grade: null, grades: [], top_up: [], region: null, each_region: false, ...change,
});

const rowsOf = (...attrs) => attrs.map((each, i) => ({ no: `A-${String(i).padStart(3, '0')}`, attrs: each }));

const allocated = ({ rule: one, rows, schedule = [], slots = ['2026/fund-use/1'], exclusions = [] }) =>
  allocate({ plan: { rules: [one], schedule }, slots, roster: { rows }, exclusions });

test('quotas are exact where floating point is not', () => {
  const exact = (base, ratio) => product(whole(base), parseRatio(ratio));
  for (let base = 1; base <= 300; base++) {
    for (const percent of [1, 3, 7, 29, 57, 58]) {
      const quota = roundQuota(exact(base, `${percent}/100`), 'ceil');
      assert.ok(quota * 100 >= base * percent && (quota - 1) * 100 < base * percent);
    }
  }
  assert.deepEqual(['ceil', 'nearest', 'floor'].map((how) => roundQuota(exact(50, '3/100'), how)), [2, 2, 1]);
  assert.equal(roundQuota(exact(1, '1/999999999'), 'nearest'), 1);
  assert.equal(roundQuota(exact(0, '1/2'), 'nearest'), 0);
});

test('of several slots of an item the largest share counts', () => {
  const rows = rowsOf(...Array(100).fill({}));
  const entry = (batch, share) => ({ slot: `2026/fund-use/${batch}`, first: '2026-01-01', last: '2026-01-02', share });
  const derivation = (schedule, slots) => allocated({ rule: rule(), rows, schedule, slots }).strata[0].derivation;
  const slots = ['2026/fund-use/1', '2026/fund-use/2'];
  assert.equal(derivation([entry(1, '2/8'), entry(2, '3/6')], slots), 'ceil(100*1/10*1/2)=5');
  assert.equal(derivation([entry(1, '2/8'), entry(2, null)], slots), 'ceil(100*1/10*1/4)=3');
  assert.equal(derivation([entry(1, '2/8'), entry(2, '3/6')], slots.slice(0, 1)), 'ceil(100*1/10*1/4)=3');
  assert.equal(derivation([], slots), 'ceil(100*1/10)=10');
});

test('a floor counts all rows of the roster, whomever the filter spares, and says how far it is reached', () => {
  const rows = rowsOf(...Array(10).fill({ type: 'a' }), ...Array(10).fill({ type: 'b' }));
  const ratios = [{ of: [], ratio: '1/10', rounding: 'ceil', floor: '1/2' }];
  const under = (filter) => allocated({ rule: rule({ ratios, filter }), rows });
  assert.deepEqual(under('type = "a"').strata.map(({ quota }) => quota), [10]);
  assert.deepEqual(under('type = "a"').floors[0], {
    item: 'fund-use', of: [], population: 20, needed: 10, planned: 1, reached: 10,
  });
  const nobody = under('type = "c"');
  assert.deepEqual(nobody.strata, []);
  assert.deepEqual([nobody.floors[0].needed, nobody.floors[0].reached], [10, 0]);
});

test('a topped-up stratum keeps whom it had drawn', () => {
  const rows = rowsOf(...Array(40).fill({}));
  const quotaOf = (floor) =>
    allocated({ rule: rule({ ratios: [{ of: [], ratio: '1/10', rounding: 'ceil', floor }] }), rows }).strata;
  const key = 'ab'.repeat(32);
  const [less, more] = [null, '1/4'].map((floor) => select(key, quotaOf(floor)).drawn.map(({ no }) => no));
  assert.deepEqual([less.length, more.length], [4, 10]);
  assert.deepEqual(more.slice(0, 4), less);
});

test('who is alone in a stratum is singled out, and who is drawn by full coverage is not', () => {
  const of = (base, quota, ratio, isWhole = false) =>
    singledOut({ quota, base, ratio: { ratio }, grade: { whole: isWhole } });
  assert.equal(of(1, 1, '1/10'), true);
  assert.equal(of(1, 1, '1/1'), false);
  assert.equal(of(1, 1, '1/10', true), false);
  assert.equal(of(10, 2, '1/10'), false);
  assert.equal(of(10, 3, '1/10'), true);
  assert.equal(of(10, 0, '0/1'), false);
});

test('an item without a rule is refused', () => {
  refuses('slot-not-in-plan', () => allocated({ rule: rule(), rows: rowsOf({}), slots: ['2026/other/1'] }));
  refuses('slot-not-in-plan', () => strataOf({ rules: [rule()], schedule: [] }, ['2026/other/1'], { attrs: {} }));
});

test('a row has the strata whose filters let it through', () => {
  const plan = { rules: [rule({ strata: ['type'], filter: 'type != "b"' })], schedule: [] };
  assert.deepEqual(strataOf(plan, ['2026/fund-use/1'], { attrs: { type: 'a' } }), [['fund-use', ['a']]]);
  assert.deepEqual(strataOf(plan, ['2026/fund-use/1'], { attrs: { type: 'b' } }), []);
});
