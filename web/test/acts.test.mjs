/** specs/vectors/acts.json: acts, outcomes, who may sign, who comes in; what a regulation allows (specs/acts.md). */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readAct, readOutcomes } from '../src/core/acts.mjs';
import { callFaults, deferralFaults, exceptionFaults, outcomeFaults, voidAllowed } from '../src/core/conduct.mjs';
import { canonical, digestText, parse, sha256hex, splitLines, utf8 } from '../src/core/encoding.mjs';
import { rootOfLines } from '../src/core/merkle.mjs';
import { readRegulation } from '../src/core/regulation.mjs';
import { isSupervisor, wrongRole } from '../src/core/roles.mjs';
import { parseStatement } from '../src/core/schema.mjs';
import { firstOf, substituteOf } from '../src/core/substitution.mjs';
import { drawKey, ticket } from '../src/core/tickets.mjs';
import { refuses, runVectors, vectors } from './vectors.mjs';

const silent = parse(
  utf8(
    vectors('regulation')
      .accept.find((one) => one.name === 'a silent regulation')
      .artifact.trimEnd(),
  ),
);
const cited = { cite: ['第一条'], principle: false, laxer: null };
const rule = (value) => ({ ...cited, value });
const codes = (...names) => names.map((code) => ({ ...cited, code, zh: '词', en: 'word' }));
const regulationWith = (changes) => readRegulation(utf8(`${canonical({ ...silent, ...changes })}\n`));

function run(vector) {
  if ('act' in vector) return runAct(vector);
  if ('outcomes' in vector) return readOutcomes(utf8(vector.outcomes), vector.listing);
  return 'role' in vector ? runRole(vector) : runSubstitute(vector);
}

function runAct({ act, kind, sealed, nonce }) {
  const open = readAct(utf8(act), kind);
  assert.equal(open.nonce, null);
  assert.equal(`${canonical(open.act)}\n`, act);
  assert.deepEqual(readAct(utf8(sealed), kind), { act: open.act, nonce });
}

function runRole({ statement, role, allowed, signers, separation, co_signer: coSigner }) {
  const said = parseStatement(utf8(statement));
  const supervisors = new Map();
  if (role !== 'bureau') supervisors.set(said.by, { name: said.by, role });
  for (const name of said.with) supervisors.set(name, { name, role: coSigner });
  const regulation = regulationWith({
    signers: signers.map((one) => ({ ...cited, of: 'result', role: one })),
    separation: separation === null ? null : rule(separation),
  });
  assert.equal(wrongRole(said, { supervisors }, regulation) === null, allowed);
}

function runSubstitute(vector) {
  const call = parseStatement(utf8(vector.call));
  const pulses = call.beacon.map(({ hash, round }, i) => ({ chain: hash, round, randomness: vector.randomness[i] }));
  const key = drawKey({
    kind: 'substitution-call',
    hash: digestText(vector.call),
    seeds: [],
    pulses,
    embargo: vector.embargo,
  });
  assert.equal(key, vector.key);
  const { purpose, no, pool } = vector;
  const tickets = pool.map((inspector) => [inspector, ticket(key, purpose, 0, 0, no, inspector)]);
  assert.deepEqual(
    tickets.sort(([, a], [, b]) => (a < b ? -1 : 1)),
    vector.tickets,
  );
  assert.equal(firstOf(pool, { key, purpose, no }).no, vector.in);
}

runVectors('acts', run);

// --- outcomes ---

const { accept } = vectors('acts');
const told = accept.find((one) => one.name === 'four outcomes');
const listingOf = (bytes, lines) => ({
  digest: sha256hex(bytes),
  length: bytes.length,
  count: lines.length,
  root: rootOfLines(lines),
});
const lineOf = (i) => parse(utf8(told.outcomes.split('\n')[i]));

test('a list that is not the one of the statement is refused', () => {
  const bytes = utf8(told.outcomes);
  const listing = listingOf(bytes, splitLines(bytes));
  assert.deepEqual(listing, told.listing);
  for (const [field, code] of [
    ['digest', 'outcomes-altered'],
    ['length', 'outcomes-altered'],
    ['root', 'bad-outcomes'],
    ['count', 'bad-outcomes'],
  ]) {
    const wrong = typeof listing[field] === 'number' ? listing[field] + 1 : '00'.repeat(32);
    refuses(code, () => readOutcomes(bytes, { ...listing, [field]: wrong }));
  }
});

test('a line with a field missing, further or of another type is refused', () => {
  const line = lineOf(0);
  const twins = [{ ...line, remark: null }];
  for (const name of Object.keys(line)) {
    const { [name]: gone, ...twin } = line;
    twins.push(twin, { ...line, [name]: true }, { ...line, [name]: '' }, { ...line, [name]: [''] });
  }
  for (const twin of twins) {
    const bytes = utf8(`${canonical(twin)}\n`);
    refuses('bad-outcomes', () => readOutcomes(bytes, listingOf(bytes, splitLines(bytes))));
  }
});

// --- who may sign ---

test('whoever draws, decides or inspects with the bureau is no supervisor', () => {
  const supervisors = new Map();
  for (const role of ['discipline', 'journalist', 'approver', 'contributor', 'department', 'inspecting-unit']) {
    supervisors.set(role, { name: role, role });
  }
  const trust = { supervisors };
  assert.deepEqual(
    [...supervisors.keys()].filter((name) => isSupervisor(trust, name)),
    ['discipline', 'journalist'],
  );
  assert.equal(isSupervisor(trust, 'nobody'), false);
});

test('a wrong role is told with what it must be', () => {
  const { statement } = accept.find((one) => one.name === 'a supervisor: draw');
  const said = parseStatement(utf8(statement));
  const trust = { supervisors: new Map([[said.by, { name: said.by, role: 'legal' }]]) };
  assert.deepEqual(wrongRole(said, trust, null), {
    type: 'draw',
    name: said.by,
    expected: ['bureau'],
    found: 'legal',
    cite: [],
  });
  assert.equal(wrongRole(said, { supervisors: new Map() }, null).found, null);
});

test('where a regulation lets any supervisor sign results, any may', () => {
  const { statement } = accept.find((one) => one.name === 'a supervisor: result');
  const said = parseStatement(utf8(statement));
  const any = regulationWith({ signers: [{ ...cited, of: 'result', role: 'any' }] });
  const signedBy = (role) => wrongRole(said, { supervisors: new Map([[said.by, { name: said.by, role }]]) }, any);
  assert.equal(signedBy('social'), null);
  assert.deepEqual(signedBy('inspecting-unit').expected, ['any']);
});

test('a department freezes its registry alone', () => {
  const { statement } = accept.find((one) => one.name === 'a department: snapshot');
  const said = parseStatement(utf8(statement));
  const trust = { supervisors: new Map([[said.by, { name: said.by, role: 'department' }]]) };
  assert.equal(wrongRole(said, trust, null), null);
  assert.notEqual(wrongRole({ ...said, with: [said.bureau] }, trust, null), null);
});

// --- who comes in (§3) ---

const inspector = (no, department, specialities = []) => ({ no, attrs: { department, specialities, expert: false } });
const plan = {
  ...{
    size: 2,
    department: 'department',
    quota: [
      ['wjw', 1],
      ['ybj', 1],
    ],
    eligible: [],
    experts: null,
  },
  specialities: [{ field: 'specialities', value: 'dental', number: 1 }],
};
const place = (changes) => ({
  key: 'ab'.repeat(32),
  team: plan,
  object: { no: 'H-1', attrs: {} },
  inspectors: [
    inspector('I-1', 'ybj', ['dental']),
    inspector('I-2', 'wjw'),
    inspector('I-3', 'ybj', ['dental']),
    inspector('I-4', 'ybj'),
    inspector('I-5', 'ybj', ['dental']),
    inspector('I-6', 'wjw', ['dental']),
  ],
  recusals: [],
  window: '2026-09-30',
  teams: new Map([
    [
      'H-1',
      [
        ['wjw', 'I-2'],
        ['ybj', 'I-1'],
      ],
    ],
  ]),
  experts: new Map([['H-1', []]]),
  out: new Set(['I-1']),
  inspector: 'I-1',
  cap: null,
  ...changes,
});

test('the pool are those of the department who keep the specialities of the team', () => {
  const made = substituteOf(place({}));
  assert.equal(made.eligible, 2);
  assert.ok(['I-3', 'I-5'].includes(made.in));
  assert.deepEqual(
    { ...made, in: null, ticket: null },
    {
      ...{ department: 'ybj', eligible: 2, expert: false, in: null, no: 'H-1', out: 'I-1', ticket: null },
    },
  );
});

test('nobody comes in who is out, recused, at the cap, or there already', () => {
  const only = (changes) => substituteOf(place(changes)).in;
  assert.equal(only({ out: new Set(['I-1', 'I-3']) }), 'I-5');
  assert.equal(only({ recusals: [{ inspector: 'I-5', object: 'H-1' }] }), 'I-3');
  const teams = new Map([
    [
      'H-1',
      [
        ['wjw', 'I-2'],
        ['ybj', 'I-1'],
      ],
    ],
    [
      'H-2',
      [
        ['wjw', 'I-6'],
        ['ybj', 'I-3'],
      ],
    ],
  ]);
  assert.equal(only({ teams, cap: 1 }), 'I-5');
  assert.equal(substituteOf(place({ teams, cap: 2 })).eligible, 2);
  refuses('no-substitute', () => substituteOf(place({ out: new Set(['I-1', 'I-3', 'I-5']) })));
});

test('where another member has the speciality, everybody of the department can come in', () => {
  const teams = new Map([
    [
      'H-1',
      [
        ['wjw', 'I-6'],
        ['ybj', 'I-1'],
      ],
    ],
  ]);
  assert.equal(substituteOf(place({ teams })).eligible, 3);
});

test('an expert is followed by an expert', () => {
  const team = { ...plan, experts: { number: 1, expert: 'expert', eligible: [] } };
  const experts = ['E-1', 'E-2', 'E-3'].map((no) => ({
    no,
    attrs: { department: null, specialities: [], expert: true },
  }));
  const inputs = place({
    team,
    inspectors: [...place({}).inspectors, ...experts],
    experts: new Map([['H-1', ['E-1']]]),
  });
  const made = substituteOf({ ...inputs, out: new Set(['E-1', 'E-3']), inspector: 'E-1' });
  assert.deepEqual([made.in, made.expert, made.department, made.eligible], ['E-2', true, '', 1]);
});

// --- what a regulation allows (§7) ---

const names = (faults) => faults.map(({ fault }) => fault);
const outcome = (changes) => ({ ...lineOf(0), leniency: [], ...changes });
const lenient = (...grounds) => ({
  leniency: [{ ...cited, list: 'none', number: 1, zh: '词', en: 'word', grounds }],
});

test('a silent regulation allows every code, but no leniency', () => {
  assert.deepEqual(outcomeFaults(regulationWith({}), outcome({}), []), []);
  assert.deepEqual(names(outcomeFaults(regulationWith({}), lineOf(0), [])), ['leniency-unknown']);
});

test('codes that are on no list of the regulation are faults', () => {
  const regulation = regulationWith({
    methods: codes('online'),
    results: codes('none-found'),
    transfers: codes('police'),
    noncooperation_acts: codes('records-withheld'),
    publication_exceptions: codes('state-secret'),
  });
  assert.deepEqual(names(outcomeFaults(regulation, outcome({ transfers: ['court'] }), [])), [
    'method-unknown',
    'result-unknown',
    'transfer-unknown',
    'noncooperation-unknown',
  ]);
  const withheld = { result: null, findings: [], noncooperation: [], transfers: [], withheld: 'privacy' };
  assert.deepEqual(names(outcomeFaults(regulation, outcome({ ...withheld, method: 'online' }), [])), [
    'withheld-reason-unknown',
  ]);
});

test('leniency keeps to its ground', () => {
  const on = (grounds, line, earlier = []) => names(outcomeFaults(regulationWith(lenient(...grounds)), line, earlier));
  const below = { code: 'amount-below', value: 1000 };
  const first = { code: 'first-found', value: null };
  const line = lineOf(0);
  assert.equal(line.leniency[0].amount, 99999);
  assert.deepEqual(on([below], line), []);
  const withAmount = (amount) => ({ ...line, leniency: [{ ...line.leniency[0], amount }] });
  assert.deepEqual(on([below], withAmount(100000)), ['amount-too-large']);
  assert.deepEqual(on([below], withAmount(null)), ['amount-too-large']);
  assert.deepEqual(on([first], line), ['ground-unknown']);
  const forTheFirstTime = { ...line, leniency: [{ ...line.leniency[0], ground: 'first-found', amount: null }] };
  assert.deepEqual(on([first], forTheFirstTime), []);
  assert.deepEqual(on([first], forTheFirstTime, [outcome({ findings: ['overcharge'] })]), []);
  assert.deepEqual(on([first], forTheFirstTime, [outcome({ checked: '2019-01-02' })]), ['found-before']);
});

test('non-cooperation is counted in the task or the year, and published where that is a result', () => {
  const rules = (times, per, results = ['corrected', 'obstructed']) =>
    regulationWith({ noncooperation: rule({ times, per }), results: codes(...results) });
  const line = outcome({});
  const fault = ['noncooperation-not-published'];
  assert.deepEqual(names(outcomeFaults(rules(1, 'task'), line, [])), fault);
  assert.deepEqual(outcomeFaults(rules(1, 'task', ['corrected']), line, []), []);
  assert.deepEqual(outcomeFaults(rules(1, 'task'), outcome({ result: 'obstructed' }), []), []);
  assert.deepEqual(outcomeFaults(rules(2, 'task'), line, [line]), []);
  assert.deepEqual(names(outcomeFaults(rules(2, 'year'), line, [line])), fault);
  const lastYear = outcome({ noncooperation: [['2025-09-10', 'entry-refused']] });
  assert.deepEqual(outcomeFaults(rules(2, 'year'), line, [lastYear]), []);
  assert.deepEqual(outcomeFaults(rules(1, 'year'), outcome({ noncooperation: [] }), [line]), []);
});

test('calls, deferrals, exceptions and voids keep to their reasons', () => {
  assert.deepEqual(callFaults(regulationWith({}), { reason: 'illness' }), []);
  const reasons = { substitution_reasons: codes('unable'), recusal_reasons: codes('kinship') };
  assert.deepEqual(callFaults(regulationWith(reasons), { reason: 'kinship' }), []);
  const none = { ...reasons, substitution: rule({ from: null, fresh: false }) };
  assert.deepEqual(names(callFaults(regulationWith(none), { reason: 'illness' })), [
    'substitution-reason-unknown',
    'substitution-not-foreseen',
  ]);
  const deferral = regulationWith({ deferral_reasons: codes('flood') });
  assert.deepEqual(deferralFaults(deferral, { reason: 'flood' }), []);
  assert.deepEqual(names(deferralFaults(deferral, { reason: 'holiday' })), ['deferral-reason-unknown']);
  const inspection = { inspectors: ['I-1'], items: ['fund-use'] };
  const strict = regulationWith({ exceptions: codes('complaint'), team: rule(2), list_only: rule(true) });
  assert.deepEqual(names(exceptionFaults(strict, { reason: 'media', draw: null }, inspection, ['accounts'])), [
    'exception-reason-unknown',
    'team-too-small',
    'item-outside-list',
  ]);
  assert.deepEqual(names(exceptionFaults(strict, { reason: 'media', draw: {} }, inspection, null)), [
    'special-team-not-foreseen',
    'team-too-small',
  ]);
  assert.deepEqual(
    exceptionFaults(regulationWith({ special_team: rule(true) }), { reason: 'x', draw: {} }, inspection, []),
    [],
  );
  assert.ok(voidAllowed({ voids: ['flood'] }, 'flood'));
  assert.ok(voidAllowed({ voids: [] }, 'chain-retired'));
  assert.ok(!voidAllowed({ voids: ['flood'] }, 'fire'));
});
