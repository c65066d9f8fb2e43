/** specs/assignment.md §11, and what vectors cannot show. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assign } from '../src/core/assignment.mjs';
import { Budget } from '../src/core/budget.mjs';
import { candidatesOf, hasSpecialities, shortageOf } from '../src/core/eligibility.mjs';
import { digestText } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { chance } from './chance.mjs';
import { refuses, runVectors } from './vectors.mjs';

const plain = (map) => JSON.stringify([...map].sort());
const listed = (object) => JSON.stringify(Object.entries(object).sort());

runVectors('assignment', (given) => {
  const made = assign({
    ...given,
    recusals: given.recusals.map(([object, inspector]) => ({ inspector, object })),
  });
  if (plain(made.teams) !== listed(given.teams) || plain(made.experts) !== listed(given.experts)) {
    throw new Refusal('team-differs');
  }
  const same =
    plain(made.attempts) === listed(given.attempts) &&
    plain(made.eligible) === listed(given.eligible) &&
    JSON.stringify(made.blocks) === JSON.stringify(given.blocks) &&
    made.pool === given.pool;
  if (!same) throw new Refusal('attempts-differ');
});

// --- beside the vectors ----------------------------------------------------------------------------------------------

const KEY = 'f0'.repeat(32);

const rules = (change) => ({
  size: 2, department: null, quota: [], eligible: [], specialities: [], experts: null, order: 'both', pool: null,
  cap: null, limit: 10_000, beyond: 'raise-cap', steps: null, ...change,
});

const rows = (letter, number, attrs = () => ({})) =>
  Array.from({ length: number }, (_, i) => ({ no: `${letter}-${String(i + 1).padStart(4, '0')}`, attrs: attrs(i) }));

const draw = (team, { objects, inspectors, recusals = [], key = KEY, window = '2026-09-30' }) =>
  assign({ key, team: rules(team), objects, inspectors, recusals, window });

const eligibleUnder = (rule, object, inspector) => {
  const objects = [{ no: 'H-1', attrs: { a: object } }];
  const other = { no: 'I-2', attrs: { b: inspector } };
  const found = candidatesOf({
    team: rules({ eligible: [rule] }),
    objects,
    inspectors: [{ no: 'I-1', attrs: { b: inspector } }, other],
    recusals: [{ object: 'H-1', inspector: 'I-2' }, { object: 'H-1', inspector: 'I-9' }],
    window: '2026-09-30',
  });
  return found.members.get('H-1').map(({ no }) => no).join() === 'I-1';
};

test('each rule holds where specs/assignment.md §1.1 says, and its twin does not; null satisfies none', () => {
  const about = (rule, object, inspector) => eligibleUnder({ rule, object: 'a', inspector: 'b' }, object, inspector);
  const alone = (rule, inspector) => eligibleUnder({ rule, object: null, inspector: 'b' }, null, inspector);
  const cases = [
    [about('same', '37', '37'), about('same', '37', '3701')],
    [about('same', ['x', 'y'], ['x', 'y']), about('same', ['x', 'y'], ['x'])],
    [about('same', 1, 1), about('same', 1, true)],
    [about('differ', '37', '3701'), about('differ', '37', '37')],
    [about('differ', 1, true), about('differ', ['x'], ['x'])],
    [alone('true', true), alone('true', false)],
    [alone('valid', '2026-09-30'), alone('valid', '2026-09-29')],
    [alone('valid', '2027-02-28'), alone('valid', '2027-02-29')],
    [about('at-least', 2, 2), about('at-least', 2, 1)],
    [about('contains', 'x', ['w', 'x']), about('contains', 'x', ['w', 'xy'])],
    [about('under', '370102', '3701'), about('under', '3701', '370102')],
    [about('under', '3701', '3701'), about('under', '3701', '')],
  ];
  cases.forEach(([holds, twin], i) => assert.deepEqual([holds, twin], [true, false], `case ${i}`));
  for (const rule of ['same', 'differ', 'at-least', 'contains', 'under']) {
    assert.equal(about(rule, null, null), false, rule);
  }
  for (const rule of ['true', 'valid']) assert.equal(alone(rule, null), false, rule);
});

test('a rule cannot be about what every object has by accident', () => {
  const [objects, inspectors] = [rows('H', 1), rows('I', 5)];
  for (const attribute of ['constructor', 'toString']) {
    for (const row of inspectors) Object.setPrototypeOf(row.attrs, null);
    const under = (rule, inspector) =>
      draw({ eligible: [{ rule, object: null, inspector }] }, { objects, inspectors });
    refuses('unknown-attribute', () => under('true', attribute));
    refuses('bad-rule', () => under(attribute, 'x'));
  }
});

test('whether there is a team with the specialities is decided exactly', () => {
  const { below } = chance('specialities');
  let [possible, impossible] = [0, 0];
  for (let trial = 0; trial < 400; trial++) {
    const specialities = ['a', 'b', 'c'].slice(0, 1 + below(3))
      .map((value) => ({ field: 'skills', value, number: 1 + below(2) }));
    const team = rules({ size: 3, department: 'department', quota: [['x', 1], ['y', 2]], specialities });
    const inspectors = rows('I', 3 + below(5), () => ({
      department: below(2) ? 'x' : 'y',
      skills: ['a', 'b', 'c'].filter(() => below(3) === 0),
    }));
    const members = candidatesOf({
      team, objects: rows('H', 1), inspectors, recusals: [], window: '2026-09-30',
    }).members.get('H-0001');
    const code = shortageOf(team, members)?.code ?? null;
    const ofDepartment = (name) => members.filter(({ department }) => department === name);
    const teams = ofDepartment('x').flatMap((first) =>
      ofDepartment('y').flatMap((second, i) => ofDepartment('y').slice(i + 1).map((third) => [first, second, third])));
    if (teams.length === 0) assert.equal(code, 'too-few-eligible');
    else assert.equal(code, teams.some((each) => hasSpecialities(team, each)) ? null : 'no-such-team');
    if (code === null) possible++;
    if (code === 'no-such-team') impossible++;
  }
  assert.ok(possible > 50 && impossible > 50);
});

test('nobody is made to work for ever (specs/assignment.md §9)', () => {
  const budget = new Budget();
  budget.spend(50_000_000);
  refuses('attempts-exhausted', () => budget.spend(1));
  // One question whether the cap can be kept costs 1000 · 5001 · 10 tickets here.
  const crowd = { objects: rows('H', 1000), inspectors: rows('I', 5001) };
  refuses('attempts-exhausted', () => draw({ cap: 1, limit: 1, beyond: 'switch-chain', steps: 1 }, crowd));
});

test('every matching that the rules allow is drawn about equally often (specs/assignment.md §10)', () => {
  const objects = ['H-1', 'H-2', 'H-3', 'H-4'].map((no) => ({ no, attrs: {} }));
  const inspectors = ['I-1', 'I-2', 'I-3', 'I-4', 'I-5'].map((no) => ({ no, attrs: {} }));
  const recusals = [['H-1', 'I-1'], ['H-2', 'I-1'], ['H-3', 'I-2'], ['H-4', 'I-3']]
    .map(([object, inspector]) => ({ object, inspector }));
  const counts = new Map();
  const draws = 20 * 336;
  for (let i = 0; i < draws; i++) {
    const { teams } = draw({ cap: 2 }, { objects, inspectors, recusals, key: digestText(`key ${i}`) });
    const matching = objects.map(({ no }) => teams.get(no).map(([, member]) => member).sort().join()).join(';');
    counts.set(matching, (counts.get(matching) ?? 0) + 1);
  }
  assert.equal(counts.size, 336);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 20) ** 2 / 20, 0);
  assert.ok(Math.abs(chiSquare - 335) < 4 * Math.sqrt(2 * 335), `${chiSquare}`);
});

test('the walk keeps the cap, the recusals and the departments', () => {
  const inspectors = rows('I', 8, (i) => ({ department: i % 2 ? 'x' : 'y' }));
  const objects = rows('H', 8);
  const recusals = objects.map(({ no }, i) => ({ object: no, inspector: inspectors[(3 * i) % 8].no }));
  const out = new Set(recusals.map(({ object, inspector }) => `${object} ${inspector}`));
  const team = {
    department: 'department', quota: [['x', 1], ['y', 1]], cap: 2, limit: 1, beyond: 'switch-chain', steps: 200,
  };
  const seen = new Set();
  for (let i = 0; i < 50; i++) {
    const { teams, blocks } = draw(team, { objects, inspectors, recusals, key: digestText(`walk ${i}`) });
    const loads = new Map();
    for (const [no, members] of teams) {
      assert.deepEqual(members.map(([department]) => department), ['x', 'y']);
      for (const [, inspector] of members) {
        assert.ok(!out.has(`${no} ${inspector}`));
        loads.set(inspector, (loads.get(inspector) ?? 0) + 1);
      }
    }
    assert.ok([...loads.values()].every((load) => load <= 2));
    assert.deepEqual(blocks.map(([no, , cap]) => [no, cap]), [['H-0001', 2]]);
    seen.add(JSON.stringify([...teams]));
  }
  assert.ok(seen.size > 40);
});

test('thousands of objects and inspectors take seconds', () => {
  const inspectors = rows('I', 1000, () => ({ qualified: true }));
  const objects = rows('H', 1000);
  const begin = performance.now();
  draw({ eligible: [{ rule: 'true', object: null, inspector: 'qualified' }] }, { objects, inspectors });
  assert.ok(performance.now() - begin < 10_000);
});
