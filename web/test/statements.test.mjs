import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { canonical, sha256hex, utf8 } from '../src/core/encoding.mjs';
import { COSIGNATURE, ED25519, parseVkey } from '../src/core/note.mjs';
import { parseStatement, STATEMENT_TYPES } from '../src/core/schema.mjs';
import { checkSignatures, readEntry } from '../src/core/statement.mjs';
import { lineOf, noteOf, signer, vkeyOf } from './signing.mjs';
import { refuses, runVectors, vectors } from './vectors.mjs';

const specification = readFileSync(new URL('../../specs/statements.md', import.meta.url), 'utf8');
const HEADER = new Set(['v', 'type', 'log', 'bureau', 'by', 'with', 'seq', 'prev', 'time']);

runVectors('statements', (item) => {
  if ('entry' in item) {
    const keys = new Map(item.keys.map(parseVkey).map((vkey) => [vkey.name, vkey]));
    const entry = readEntry(utf8(item.entry));
    return checkSignatures(entry, (name) => keys.get(name) ?? null);
  }
  const bytes = utf8(item.text);
  parseStatement(bytes);
  assert.equal(sha256hex(bytes), item.hash);
});

const texts = new Map(
  vectors('statements').accept.filter(({ text }) => text).map(({ text }) => [JSON.parse(text).type, JSON.parse(text)]),
);
const spelled = (statement) => utf8(`${canonical(statement)}\n`);

test('every type of the specification has an accepted vector', () => {
  const heading = /^### 3\.[0-9]+ ([a-z-]+)$/gm;
  const specified = Array.from(specification.matchAll(heading), ([, name]) => name);
  assert.deepEqual(STATEMENT_TYPES, specified);
  assert.deepEqual(STATEMENT_TYPES.filter((name) => !texts.has(name)), []);
});

test('the fields of every type are those of the specification', () => {
  const sections = specification.split(/^### 3\.[0-9]+ /m).slice(1);
  for (const section of sections) {
    const [type] = section.split('\n');
    const example = /```\n([^]*?)\n```/.exec(section)[1];
    const fields = Array.from(example.matchAll(/"([a-z_]+)":/g), ([, name]) => name);
    for (const name of Object.keys(texts.get(type)).filter((field) => !HEADER.has(field))) {
      assert.ok(fields.includes(name), `${type}.${name}`);
    }
  }
});

test('a field taken away, added, doubled or of another kind is refused, at every depth', () => {
  const strange = [undefined, {}, [], [[]], -1, 1.5, '\n', 'not of any type!', 2 ** 53];
  for (const statement of texts.values()) {
    for (const path of pathsOf(statement)) {
      const at = parentOf(statement, path);
      const field = path.at(-1);
      const whole = at[field];
      const where = `${statement.type}.${path.join('.')}`;
      for (const value of strange) {
        if (value === undefined && Array.isArray(at)) continue;
        if (same(value, whole) || isOf(value, whole, statement.type, path)) continue;
        at[field] = value;
        if (value === undefined) delete at[field];
        assert.throws(() => parseStatement(utf8(`${JSON.stringify(sorted(statement))}\n`)), { name: 'Refusal' }, where);
      }
      at[field] = whole;
      if (whole !== null && typeof whole === 'object' && !Array.isArray(whole)) {
        whole.zz = null;
        refuses('bad-field', () => parseStatement(spelled(statement)));
        delete whole.zz;
      }
    }
    parseStatement(spelled(statement)); // as it was before
  }
});

test('what is read is frozen in every part, and has no fields but its own', () => {
  const plan = parseStatement(spelled(texts.get('plan')));
  assert.throws(() => plan.team.quota.push(1), TypeError);
  assert.throws(() => (plan.year = 2027), TypeError);
  assert.equal(plan.constructor, undefined);
});

test('a type is no property that every object has', () => {
  for (const type of ['constructor', 'toString', '__proto__', 'hasOwnProperty', '', null, 0, [], {}]) {
    refuses('unknown-type', () => parseStatement(spelled({ ...texts.get('reveal'), type })));
  }
  for (const value of [null, 1, 'a', [], [{ type: 'reveal' }]]) {
    refuses('unknown-type', () => parseStatement(spelled(value)));
  }
});

test('names are counted in characters', () => {
  const named = (by) => parseStatement(spelled({ ...texts.get('reveal'), by }));
  named('𠮷'.repeat(200));
  refuses('bad-field', () => named('𠮷'.repeat(201)));
  for (const by of ['', 'a b', 'a+b', 'a\u3000b', 'a\u00a0b', 'a\u1680b']) refuses('bad-field', () => named(by));
});

// --- entries -------------------------------------------------------------------------------------------------------

const bureau = signer('jinan-ybj.example.cn');
const other = signer('s1.example.cn');
const keyOf = (name) => [bureau, other].find((who) => who.name === name)?.vkey ?? null;

function entryOf(fields, ...signers) {
  const text = `${canonical({ ...texts.get('announcement'), ...fields })}\n`;
  return noteOf(text, ...signers.map((who) => who.line(text)));
}
const check = (bytes) => checkSignatures(readEntry(bytes), keyOf);

test('an entry with any bit changed is no entry, or one that its signers did not sign', () => {
  const bytes = entryOf({ with: ['s1.example.cn'] }, bureau, other);
  check(bytes);
  for (let at = 0; at < bytes.length; at++) {
    const bent = bytes.slice();
    bent[at] ^= 1 << (at % 8);
    assert.throws(() => check(bent), { name: 'Refusal' }, `byte ${at}`);
  }
});

test('a co-signer whom nobody knows is told only if all else holds', () => {
  const stranger = signer('x.example.cn');
  const fields = { with: ['x.example.cn', 's1.example.cn'] };
  refuses('unknown-signer', () => check(entryOf(fields, bureau, stranger, other)));
  refuses('signature-missing', () => check(entryOf(fields, bureau, other, stranger)));
  refuses('signature-missing', () => check(entryOf(fields, bureau, stranger)));
  refuses('signature-doubled', () => check(entryOf(fields, bureau, stranger, other, stranger)));
  refuses('unknown-signer', () => check(entryOf({ by: 'x.example.cn' }, stranger)));
});

test('one signer named twice cannot sign twice', () => {
  const fields = { with: ['s1.example.cn', 's1.example.cn'] };
  refuses('signature-doubled', () => check(entryOf(fields, bureau, other, other)));
  refuses('signature-missing', () => check(entryOf(fields, bureau, other)));
});

test('an entry is at most 65,535 bytes and 16 lines', () => {
  const { text } = readEntry(entryOf({}, bureau));
  const line = bureau.line(text);
  const grease = Array.from({ length: 15 }, (_, i) => signer(`g${i}.example.cn`).line(text));
  check(noteOf(text, line, ...grease));
  refuses('too-many-signatures', () => readEntry(noteOf(text, line, ...grease, grease[0])));
  const filler = `— g ${'A'.repeat(65520)}\n`;
  refuses('entry-too-large', () => readEntry(noteOf(text, line, filler)));
});

test('a change of keys needs both keys, one name and another key', () => {
  const next = { ...signer('next'), name: bureau.name };
  const statement = (old, fresh) => `${canonical({ ...texts.get('key'), old, new: fresh })}\n`;
  const fresh = parseVkey(vkeyOf(bureau.name, ED25519, next.vkey.key));
  const signed = (text, key) => noteOf(text, bureau.line(text), lineOf(key, next.sign(text)));
  const good = statement(bureau.vkey.vkey, fresh.vkey);
  check(signed(good, fresh));
  refuses('signature-missing', () => check(noteOf(good, bureau.line(good))));
  const bad = (code, old, key) => refuses(code, () => check(signed(statement(old, key), fresh)));
  bad('wrong-old-key', fresh.vkey, fresh.vkey);
  bad('bad-new-key', bureau.vkey.vkey, bureau.vkey.vkey);
  bad('bad-new-key', bureau.vkey.vkey, other.vkey.vkey);
  bad('bad-new-key', bureau.vkey.vkey, 'hello');
  bad('bad-new-key', bureau.vkey.vkey, vkeyOf(bureau.name, COSIGNATURE, next.vkey.key));
  bad('bad-new-key', bureau.vkey.vkey, vkeyOf(bureau.name, ED25519, Uint8Array.of(1, ...Array(31).fill(0))));
});

// --- walking a statement -------------------------------------------------------------------------------------------

function* pathsOf(value, path = []) {
  if (path.length) yield path;
  if (value === null || typeof value !== 'object') return;
  for (const key of Object.keys(value)) yield* pathsOf(value[key], [...path, key]);
}

function parentOf(value, path) {
  return path.slice(0, -1).reduce((part, key) => part[key], value);
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Whether another value happens to be in the shape of the one that it replaces. */
function isOf(value, whole, type, path) {
  const field = path.findLast((key) => /[a-z]/.test(key));
  if (field === 'type' && typeof value === 'string') return false;
  if (Array.isArray(whole) && same(value, [])) return true; // many may be empty; the vectors have those that may not
  return typeof whole === 'string' && typeof value === 'string' && FREE_TEXT.has(`${type}.${path[0]}`);
}

/** Fields that take any text, of which the vectors say more. */
const FREE_TEXT = new Set(['plan.rules', 'plan.team', 'key.old', 'key.new']);

const sorted = (value) => {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};
