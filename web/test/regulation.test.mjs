/**
 * specs/vectors/regulation.json, and the five regulations of specs/regulation.md §7.
 *
 * The verifier reads artifacts alone. Cases with TOML are made into artifacts here, as §1 and §6.1 say, so that they
 * test its reader and its comparison too; the artifacts that they must give show that this is done rightly.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse as parseToml } from 'smol-toml';

import { checkDerived, departures } from '../src/core/deriving.mjs';
import { canonical, digestText, parse, sha256hex, utf8 } from '../src/core/encoding.mjs';
import { CannotTell, Refusal } from '../src/core/errors.mjs';
import { GENUINE, checkFoundation } from '../src/core/genuine.mjs';
import { limitsOf, readRegulation } from '../src/core/regulation.mjs';
import { refuses, vectors } from './vectors.mjs';

const { accept, refuse } = vectors('regulation');
const silent = JSON.parse(accept.find((one) => one.name === 'a silent regulation').artifact);
const read = (artifact) => readRegulation(utf8(artifact));

// --- artifacts ---

for (const vector of accept) test(`accepted: ${vector.name}`, () => read(vector.artifact));

for (const vector of refuse.filter((one) => 'artifact' in one)) {
  test(`refused: ${vector.name}`, () => refuses(vector.expect, () => read(vector.artifact)));
}

for (const vector of accept.filter((one) => 'departures' in one)) {
  test(`departures: ${vector.name}`, () => {
    const child = read(vector.artifact);
    const parent = read(accept.find((one) => digestText(one.artifact) === child.extends.digest).artifact);
    checkDerived(parent, child);
    const found = departures(parent, child).map(({ rule, direction }) => [rule, direction]);
    assert.deepEqual(found, vector.departures);
  });
}

// --- TOML, made into an artifact ---

const LEFT_OUT = {
  ratios: { type: null, item: null, category: null },
  grades: { factor: null, kind: 'exact', full: false },
  object_types: { optional: false },
  items: {
    ...{ content: null, content_en: null, objects: null, types: [], category: null, methods: [], bodies: [] },
    ...{ levels: [], basis: [], ratio: null, ratio_kind: null, frequency: null },
  },
};
const KEYS = { ratios: ['type', 'item', 'category', 'period'], grades: ['grade'], sign_offs: ['of', 'role'] };
const keyOf = (field, entry) =>
  (KEYS[field] ?? ['id', 'code'].filter((one) => one in entry)).map((one) => entry[one] ?? '-').join('/');
const isTable = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
const plain = (value) => JSON.parse(JSON.stringify(value, (_, one) => (one instanceof Date ? one.toISOString() : one)));

function filled(field, said) {
  const cited = (more) => (entry) => (isTable(entry) ? { principle: false, laxer: null, ...more, ...entry } : entry);
  if (Array.isArray(said) && field === 'dropped') return said.map((one) => ({ laxer: null, ...one }));
  if (Array.isArray(said)) return said.map(cited(LEFT_OUT[field]));
  if (field === 'document') return isTable(said) ? { issuer: null, number: null, issued: null, ...said } : said;
  const whole = cited({})(said);
  if (field === 'publication' && isTable(said?.value)) whole.value = { days: null, ...said.value };
  return whole;
}

function artifactOf(toml, parents) {
  const said = plain(parseToml(toml));
  const parent = 'extends' in said ? parents[said.extends] : null;
  const from = parent ? { ...parent.value, validity: null, platform: null, drawing_unit: null, dropped: [] } : silent;
  const value = { ...from };
  delete value.document;
  delete value.id;
  if (parent) value.extends = { id: said.extends, digest: digestText(parent.artifact) };
  for (const [field, one] of Object.entries(said)) {
    if (field === 'extends') continue;
    value[field] = filled(field, one);
    if (parent && Array.isArray(one) && field !== 'dropped') {
      const own = new Map(value[field].map((entry) => [keyOf(field, entry), entry]));
      const kept = from[field].map((entry) => {
        const key = keyOf(field, entry);
        const mine = own.get(key) ?? entry;
        own.delete(key);
        return mine;
      });
      value[field] = [...kept, ...own.values()];
    }
  }
  const gone = new Set(Array.isArray(said.dropped) ? said.dropped.map(({ rule }) => rule) : []);
  for (const rule of gone) {
    const [field, key] = [rule.split('.')[0], rule.slice(rule.indexOf('.') + 1)];
    if (field in said) continue;
    if (Array.isArray(value[field])) value[field] = value[field].filter((entry) => keyOf(field, entry) !== key);
    else value[field] = null;
  }
  return { value, artifact: `${canonical(value)}\n` };
}

function runToml({ toml, parents = {} }) {
  const known = {};
  for (const [name, text] of Object.entries(parents)) known[name] = artifactOf(text, {});
  const made = artifactOf(toml, known);
  const child = read(made.artifact);
  if (child.extends) checkDerived(read(known[child.extends.id].artifact), child);
  return made.artifact;
}

for (const vector of accept.filter((one) => 'toml' in one)) {
  test(`made of TOML: ${vector.name}`, () => assert.equal(runToml(vector), vector.artifact));
}

// Of these the fault is in the TOML itself, and no artifact can show it.
const NO_ARTIFACT = new Set(['regulation-not-toml', 'regulation-parent-unknown', 'regulation-same-id']);

for (const vector of refuse.filter((one) => 'toml' in one && !NO_ARTIFACT.has(one.expect))) {
  test(`made of TOML, refused: ${vector.name}`, () => {
    // What has no canonical form makes no artifact, and its code is the encoding's.
    const codes = { 'regulation-not-canonical': 'forbidden-character', 'a ratio in decimals': 'not-canonical-type' };
    refuses(codes[vector.name] ?? codes[vector.expect] ?? vector.expect, () => runToml(vector));
  });
}

// --- the five ---

const pinned = (id) => new Uint8Array(readFileSync(new URL(`../../specs/regulations/${id}.json`, import.meta.url)));

for (const [id, digest] of GENUINE) {
  test(`the artifact of ${id} is the one that the specification pins`, () => {
    const bytes = pinned(id);
    assert.equal(sha256hex(bytes), digest);
    const regulation = readRegulation(bytes);
    assert.equal(regulation.id, id);
    assert.equal(
      checkFoundation(regulation, () => null),
      id,
    );
  });
}

const none = () => null;
const province = parse(pinned('shandong-2020').subarray(0, -1));
const bytesOf = (value) => utf8(`${canonical(value)}\n`);
const derived = (parent, change) => ({
  ...parent,
  id: 'city',
  extends: { id: parent.id, digest: sha256hex(bytesOf(parent)) },
  ...change,
});
const laxer = (reason) => ({ yearly_cap: { ...province.yearly_cap, value: 9, laxer: reason } });
const founded = (value, carried = none) => checkFoundation(readRegulation(bytesOf(value)), carried);

test('what derives from one of the five is compared with it', () => {
  const carried = () => bytesOf(province);
  assert.equal(founded(derived(province, {}), carried), 'shandong-2020');
  assert.equal(founded(derived(province, laxer('new-institutions')), carried), 'shandong-2020');
  refuses('laxer-without-reason', () => founded(derived(province, laxer(null)), carried));
});

test('an altered copy under a known name is refused, and so is what derives from it', () => {
  const altered = { ...province, ...laxer(null) };
  refuses('regulation-not-genuine', () => founded(altered));
  refuses('regulation-not-genuine', () => founded(derived(altered, {}), () => bytesOf(altered)));
});

test('where the parent is not to be had, nobody can tell', () => {
  const own = { ...province, id: 'own' };
  const child = derived(own, {});
  assert.throws(
    () => founded(child),
    (error) =>
      error instanceof CannotTell && error.reason === 'regulation-parent-missing' && error.evidence.found === 'own',
  );
  assert.equal(
    founded(child, () => bytesOf(own)),
    null,
  );
  assert.equal(founded(own), null);
  refuses('regulation-parent-differs', () => founded(child, () => bytesOf({ ...own, list_only: null })));
});

// --- limits (§4) ---

test('the most special limit counts, and an item of its own ratio has that', () => {
  const limit = (more) => ({
    ...{ type: null, item: null, category: null, period: 'draw', kind: 'floor' },
    ...{ cite: ['第一条'], principle: false, laxer: null },
    ...more,
  });
  const item = {
    ...province.items[0],
    id: 'accounts',
    category: 'general',
    types: [],
    methods: [],
    ratio: '1/2',
    ratio_kind: 'exact',
  };
  const plainItem = { ...item, id: 'drugs', category: 'key', ratio: null, ratio_kind: null };
  const regulation = readRegulation(
    bytesOf({
      ...province,
      id: 'own',
      items: [item, plainItem],
      ratios: [
        limit({ ratio: '1/100' }),
        limit({ ratio: '2/100', category: 'key' }),
        limit({ ratio: '3/100', type: 'medical' }),
        limit({ ratio: '4/100', item: 'drugs' }),
        limit({ ratio: '5/100', type: 'medical', period: 'year' }),
      ],
    }),
  );
  const of = (type, name, period = 'draw') => limitsOf(regulation)({ type, item: name, period })?.ratio ?? null;
  assert.equal(of('medical', 'accounts'), '1/2');
  assert.equal(of('pharmacy', 'drugs'), '4/100');
  assert.equal(of('medical', 'other'), '3/100');
  assert.equal(of('pharmacy', 'other'), '1/100');
  assert.equal(of('medical', 'accounts', 'year'), '5/100');
  assert.equal(of('pharmacy', 'accounts', 'year'), null);
});

// --- nothing of an artifact can be something else ---

test('every mangled field of the five is refused or is another regulation, never a fault', () => {
  const wrongs = [null, true, '', 'x', '%', -1, 0, 1e15, [], [null], {}, { value: 1 }];
  for (const [id] of GENUINE) {
    const value = parse(pinned(id).subarray(0, -1));
    for (const path of paths(value)) {
      for (const wrong of wrongs) {
        const twin = replaced(value, path, wrong);
        let regulation;
        try {
          regulation = readRegulation(bytesOf(twin));
        } catch (error) {
          assert.ok(error instanceof Refusal, error.stack);
          continue;
        }
        if (regulation.digest !== GENUINE.get(id) && regulation.id === id) {
          refuses('regulation-not-genuine', () => checkFoundation(regulation, none));
        }
      }
    }
  }
});

function* paths(value, path = []) {
  if (path.length) yield path;
  if (typeof value !== 'object' || value === null) return;
  // Of a long list the first entries stand for all.
  for (const key of Object.keys(value).slice(0, Array.isArray(value) ? 1 : undefined))
    yield* paths(value[key], [...path, key]);
}

function replaced(value, [first, ...rest], wrong) {
  if (first === undefined) return wrong;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[first] = replaced(value[first], rest, wrong);
  return copy;
}
