/** Lists and limit of an announcement, the plan version meant, and who is excluded. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { limitOf, readExclusions, readRecusals } from '../src/core/announcement.mjs';
import { utf8 } from '../src/core/encoding.mjs';
import { exclusionLines, exclusionsOf, looksBack } from '../src/core/exclusion.mjs';
import { planMeant } from '../src/core/plan.mjs';
import { parseStatement } from '../src/core/schema.mjs';
import { refuses, vectors } from './vectors.mjs';

// --- lists (specs/announcement.md §3) --------------------------------------------------------------------------------

const RECUSAL = '{"declarer":"inspector","form":null,"inspector":"I-01","object":"H-000001","reason":"kinship"}\n';
const BUREAUS = RECUSAL.replace('inspector', 'bureau');
const EXCLUSION = '{"item":null,"no":"H-000007","reason":"yearly-cap"}\n';
const BEFORE = '{"item":"fund-use","no":"H-000007","reason":"drawn-before"}\n';

test('lists are read', () => {
  assert.deepEqual(readRecusals(utf8('')), []);
  const [first, second] = readRecusals(utf8(BUREAUS + RECUSAL));
  assert.deepEqual([first.declarer, second.declarer, second.inspector], ['bureau', 'inspector', 'I-01']);
  assert.deepEqual(readExclusions(utf8(BEFORE + EXCLUSION)).map(({ item }) => item), ['fund-use', null]);
});

test('whatever else a list is, it is bad', () => {
  const refused = (read, text) => refuses('bad-list', () => read(typeof text === 'string' ? utf8(text) : text));
  for (const text of [
    RECUSAL + BUREAUS, RECUSAL + RECUSAL, RECUSAL.trim(), `${RECUSAL}\n`, `\ufeff${RECUSAL}`,
    '[]\n', 'null\n', '1\n', '{}\n',
    RECUSAL.replace('"inspector"', '"nobody"'), RECUSAL.replace('null', '"x"'), RECUSAL.replace('I-01', ''),
    RECUSAL.replace('"form":null,', ''), RECUSAL.replace('}', ',"x":1}'), RECUSAL.replace(':', ': '),
    RECUSAL.replace('kinship', 'Kinship'), EXCLUSION, Uint8Array.of(0xff, 0x0a), '['.repeat(5000) + '\n',
  ]) refused(readRecusals, text);
  for (const text of [
    EXCLUSION + BEFORE, EXCLUSION + EXCLUSION, EXCLUSION.trim(), EXCLUSION.replace('null', '"Fund"'),
    EXCLUSION.replace('yearly-cap', 'other'), EXCLUSION.replace('H-000007', '甲'), RECUSAL,
  ]) refused(readExclusions, text);
});

test('the limit is the earliest round less the larger margin (specs/announcement.md §2)', () => {
  const chain = { id: 'a', hash: 'aa', genesis: 1000, period: 10, scheme: 'pedersen-bls-chained' };
  const chains = new Map([['a', chain]]);
  const beacon = [{ beacon: 'a', hash: 'aa', round: 11 }, { beacon: 'a', hash: 'aa', round: 6 }];
  assert.equal(limitOf({ beacon, margin: 300 }, chains, 60), 750);
  assert.equal(limitOf({ beacon, margin: 30 }, chains, 60), 990);
  refuses('unknown-chain', () => limitOf({ beacon: [{ beacon: 'b', hash: 'aa', round: 1 }], margin: 0 }, chains, 0));
});

// --- the version meant (specs/plan.md §6) ----------------------------------------------------------------------------

const PLAN = parseStatement(utf8(vectors('record').accept[0].plan));
const version = (change) => ({ ...PLAN, ...change });
const [SLOT] = PLAN.slots;
const LATER = '2026/fund-use/2';

test('the version meant is the last that changes something for the slots', () => {
  const first = version({});
  assert.equal(planMeant([], [SLOT]), null);
  assert.equal(planMeant([first], [SLOT]), first);
  assert.equal(planMeant([first], [LATER]), null);
  // Whatever leaves the slot's rules alone makes no new version of it: a slot added, a reason, another kind.
  for (const change of [{ slots: [SLOT, LATER] }, { reason: 'typo' }, { kind: 'special' }]) {
    assert.equal(planMeant([first, version(change)], [SLOT]), first);
  }
  const entry = { slot: SLOT, first: '2026-09-01', last: '2026-09-02', share: null };
  for (const change of [
    { objects: 'others' }, { inspectors: 'others' }, { joint: [{ name: 'x', inspectors: 'y' }] }, { yearly_cap: 3 },
    { team: { ...PLAN.team, size: 3 } }, { audit: 9 }, { substitutions: 9 }, { voids: ['x'] },
    { items: { index: 0, text: '0'.repeat(64) } }, { regulation: { digest: '0'.repeat(64), length: 1 } },
    { rules: [{ ...PLAN.rules[0], filter: 'type = "hospital"' }] }, { schedule: [entry] },
  ]) {
    const changed = version(change);
    assert.equal(planMeant([first, changed], [SLOT]), changed, JSON.stringify(change));
    assert.equal(planMeant([first, changed, version({ ...change, reason: 'typo' })], [SLOT]), changed);
    const back = version({});
    assert.equal(planMeant([first, changed, back], [SLOT]), back);
  }
});

test('a slot that was taken out and put back is meant anew; one that is out is not meant', () => {
  const [first, without, back] = [version({}), version({ slots: [LATER] }), version({ slots: [SLOT, LATER] })];
  assert.equal(planMeant([first, without], [SLOT]), null);
  assert.equal(planMeant([first, without, back], [SLOT]), back);
  assert.equal(planMeant([first, back], [SLOT, LATER]), back);
});

// --- exclusions (specs/announcement.md §4) ---------------------------------------------------------------------------

const share = (slot) => ({ slot, first: '2026-01-01', last: '2026-12-31', share: '1/2' });
const drawnIn = (plan, slots, drawn) => ({ plan, slots, drawn: new Map(drawn) });
const numbers = ['H-1', 'H-2', 'H-3'];
const linesOf = (inputs) => exclusionLines(exclusionsOf({ slots: [SLOT], numbers, ...inputs }));

test('the yearly cap counts visits, of the year and the registry alone', () => {
  const plan = version({ yearly_cap: 2 });
  const drawn = [['H-1', ['fund-use', 'care']], ['H-9', ['fund-use']]];
  const once = (change = {}) => drawnIn(version(change), [SLOT], drawn);
  const excluded = ['{"item":null,"no":"H-1","reason":"yearly-cap"}'];
  assert.deepEqual(linesOf({ plan, earlier: [once()] }), []);
  assert.deepEqual(linesOf({ plan, earlier: [once(), once({ plan: 'other' })] }), excluded);
  assert.deepEqual(linesOf({ plan, earlier: [once(), once({ year: 2025 })] }), []);
  assert.deepEqual(linesOf({ plan, earlier: [once(), once({ objects: 'other' })] }), []);
  assert.deepEqual(linesOf({ plan: version({ yearly_cap: null }), earlier: [once(), once()] }), []);
});

test('an instalment draws nobody twice; what was drawn otherwise does not count', () => {
  const plan = version({ schedule: [share(SLOT), share(LATER)], slots: [SLOT, LATER] });
  const drawn = [['H-1', ['fund-use']], ['H-2', ['care']]];
  const excluded = ['{"item":"fund-use","no":"H-1","reason":"drawn-before"}'];
  const excludes = (earlier, own = plan) => linesOf({ plan: own, slots: [LATER], earlier: [earlier] });
  assert.deepEqual(excludes(drawnIn(plan, [SLOT], drawn)), excluded);
  assert.deepEqual(excludes(drawnIn({ ...plan, plan: 'other' }, [SLOT], drawn)), []);
  assert.deepEqual(excludes(drawnIn(version({}), [SLOT], drawn)), []);
  assert.deepEqual(excludes(drawnIn(plan, [SLOT], drawn), version({ schedule: [share(SLOT)] })), []);
});

test('a draw looks back for a cap or an instalment', () => {
  assert.equal(looksBack(version({}), [SLOT]), false);
  assert.equal(looksBack(version({ yearly_cap: 1 }), [SLOT]), true);
  assert.equal(looksBack(version({ schedule: [share(SLOT)] }), [SLOT]), true);
  assert.equal(looksBack(version({ schedule: [share(LATER)] }), [SLOT]), false);
  assert.equal(looksBack(version({ schedule: [{ ...share(SLOT), share: null }] }), [SLOT]), false);
});
