import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parse } from 'smol-toml';

import { Refusal } from '../src/core/errors.mjs';
import { Catalogue, fields, visible } from '../src/core/words.mjs';

const SECTIONS = {
  mark: { open: ' (', close: ')', between: '; ', and: ', ' },
  word: { none: 'none', yes: 'yes', no: 'no', 'not-asked': 'not asked for' },
  field: { line: 'line', found: 'found' },
  error: { 'bad-line': 'line {line} is wrong' },
  reason: { late: 'too late by {seconds} seconds' },
  'check.seed': { title: 'seed', holds: 'good', fails: 'bad', unknown: 'who knows', do: 'ask' },
  'slip.seed': { title: "slip's seed", holds: 'good here', fails: 'bad here', unknown: 'who knows' },
};
const words = new Catalogue('en', SECTIONS);

/** The sections of a wording file: tables below tables get names with a dot. */
function sections(table, above = '') {
  const here = Object.entries(table).filter(([, value]) => typeof value === 'string');
  const below = Object.entries(table).filter(([, value]) => typeof value === 'object');
  const name = (part) => (above ? `${above}.${part}` : part);
  const own = here.length ? { [above]: Object.fromEntries(here) } : {};
  return Object.assign(own, ...below.map(([part, inner]) => sections(inner, name(part))));
}

const catalogue = (lang) => {
  const file = new URL(`../../src/fairdraw/wording/${lang}.toml`, import.meta.url);
  return new Catalogue(lang, sections(parse(readFileSync(file, 'utf8'))));
};

test('a sentence with its parameters, and beside it those that it does not mention', () => {
  assert.equal(words.say('error', 'bad-line', { line: 3 }), 'line 3 is wrong');
  assert.equal(words.say('error', 'bad-line'), 'line ? is wrong');
  assert.equal(words.tell('error', 'bad-line', { line: 3, found: 'x', zz: 1 }), 'line 3 is wrong (found x; zz 1)');
  assert.equal(words.error(new Refusal('bad-line', { line: 3 })), 'line 3 is wrong');
});

test('an unknown code is its own sentence', () => {
  assert.equal(words.tell('error', 'strange', { line: 3 }), 'strange (line 3)');
  assert.equal(words.tell('error', 'constructor'), 'constructor');
  assert.equal(words.tell('constructor', 'name'), 'name');
  assert.equal(words.say('field', 'toString'), 'toString');
});

test('a reason is one of the checks, or an error that flowed into one', () => {
  assert.equal(words.reason('late', { seconds: 9 }), 'too late by 9 seconds');
  assert.equal(words.reason('bad-line', { line: 1 }), 'line 1 is wrong');
});

test('a check in words', () => {
  assert.deepEqual(words.check('seed', 'holds'), { title: 'seed', says: 'good', why: '', do: '' });
  assert.deepEqual(words.check('seed', 'fails', 'late', { seconds: 9 }), {
    title: 'seed', says: 'bad', why: 'too late by 9 seconds', do: 'ask',
  });
  assert.deepEqual(words.check('seed', 'not-asked'), { title: 'seed', says: 'not asked for', why: '', do: '' });
  assert.equal(words.check('seed', 'fails', '', {}, { kind: 'slip' }).says, 'bad here');
  assert.equal(words.check('strange', 'holds').title, 'strange');
});

test('values as people read them', () => {
  for (const [value, told] of [
    [null, 'none'], [undefined, 'none'], [true, 'yes'], [false, 'no'], [0, '0'], [12n, '12'], ['', ''], [[], 'none'],
    [{}, 'none'], [Uint8Array.of(1, 255), '01ff'], [['a', 2, null], 'a, 2, none'],
    [[['H-1', 'I-2'], ['H-3', 'I-4']], 'H-1 I-2, H-3 I-4'],
    [{ line: 1, zz: [2, 3] }, 'line 1, zz 2, 3'], [new Map([['found', true]]), 'found yes'],
  ]) {
    assert.equal(words.show(value), told);
  }
});

test('a parameter fills one field and is nothing else', () => {
  assert.equal(words.say('error', 'bad-line', { line: '{line} $& $1 {found}' }), 'line {line} $& $1 {found} is wrong');
});

test('unseen characters are written out, and a long value is cut', () => {
  const told = 'a\\u{202e}b\\u{200b}\\u{7}\\u{e0001}\\u{2028}\\u{d800}';
  assert.equal(visible('a\u202eb\u200b\u0007\u{e0001}\u2028\ud800'), told);
  assert.equal(visible('医保 é 𠮷\u00a0'), '医保 é 𠮷\u00a0');
  assert.equal(words.show('𠮷'.repeat(401)), `${'𠮷'.repeat(400)}…`);
  assert.equal(words.show('x'.repeat(400)), 'x'.repeat(400));
});

test('both languages have the same sentences, with the same fields', () => {
  const [zh, en] = ['zh', 'en'].map(catalogue);
  assert.deepEqual([...zh.sections.keys()].sort(), [...en.sections.keys()].sort());
  for (const [section, templates] of zh.sections) {
    assert.deepEqual([...templates.keys()].sort(), [...en.sections.get(section).keys()].sort(), section);
    for (const [code, template] of templates) {
      const other = en.sections.get(section).get(code);
      assert.deepEqual([...fields(template)].sort(), [...fields(other)].sort(), `${section}.${code}`);
    }
  }
});

test('a sentence of each language', () => {
  assert.equal(catalogue('en').check('first-of-slot', 'fails', 'slot-not-free', { slot: '2026/a/1' }).why,
    'slot 2026/a/1 belongs to an earlier announcement or is void');
  const why = (lang, evidence) => catalogue(lang).check('first-of-slot', 'fails', 'slot-not-free', evidence).why;
  assert.match(why('zh', { slot: '2026/a/1', zz: 1 }), /2026\/a\/1.*（zz 1）$/);
});
