import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseTime, utf8 } from '../src/core/encoding.mjs';
import { freshnessTime, orderTime, parseTrust } from '../src/core/trust.mjs';
import { refuses, runVectors, vectors } from './vectors.mjs';

runVectors('trust', (item) => {
  const trust = parseTrust(utf8(item.text));
  for (const field of ['digest', 'margin', 'freshness', 'receipts', 'rehearsal']) {
    assert.equal(trust[field], item[field], field);
  }
  assert.equal(trust.forkers, item.to_fork);
  assert.equal(trust.backdaters, item.to_backdate);
});

// --- the file ------------------------------------------------------------------------------------------------------

const { accept } = vectors('trust');
const everything = accept.find(({ name }) => name === 'everything').text;
const read = (text) => parseTrust(utf8(text));

test('what the lines say', () => {
  const trust = read(everything);
  assert.deepEqual(trust.logs.map(({ name }) => name), ['log.example.cn/jinan']);
  assert.deepEqual(trust.witnesses.map(({ name, vkey }) => [name, vkey.name]), [
    ['w1', 'w1.example.cn'],
    ['w2', 'w2.example.cn'],
  ]);
  const [bureau] = trust.bureaus;
  assert.deepEqual([bureau.name, bureau.origin, bureau.from, bureau.until], [
    'jinan-ybj.example.cn', 'log.example.cn/jinan', parseTime('2026-01-01T00:00:00Z'), null,
  ]);
  assert.equal(trust.supervisors.get('s1.example.cn').role, 'discipline');
  assert.equal(trust.beacons.get('quicknet').period, 3);
  assert.equal(trust.retired.get('quicknet'), parseTime('2030-01-01T00:00:00Z'));
});

test('spaces, tabs, comments, empty lines and a missing last newline change nothing but the digest', () => {
  const [first, ...rest] = everything.split('\n');
  const loose = rest.map((line) => `\t ${line.replaceAll(' ', ' \t')} `);
  const spaced = ['# first', '', first, ...loose].join('\n').trimEnd();
  const { digest, ...trust } = read(spaced);
  const { digest: other, ...plain } = read(everything);
  assert.deepEqual(trust, plain);
  assert.notEqual(digest, other);
});

test('every line of the file, cut short by a word, with one more or said twice, is refused', () => {
  const lines = everything.split('\n').filter((line) => line && !line.startsWith('#'));
  lines.forEach((line, at) => {
    const words = line.split(' ');
    const withLine = (...put) => lines.toSpliced(at, 1, ...put).join('\n');
    const needed = words[0] === 'bureau' ? 4 : words.length; // a bureau may lack its bounds
    assert.throws(() => read(withLine(words.slice(0, needed - 1).join(' ') || '#')), { name: 'Refusal' }, line);
    assert.throws(() => read(withLine(`${line} more words here`)), { name: 'Refusal' }, line);
    assert.throws(() => read(withLine(line, line)), { name: 'Refusal' }, line);
  });
});

test('nothing of a file that is none is quoted', () => {
  const secret = 'PRIVATE+KEY+x+00000000+AAAA';
  const others = [`${secret}\nfairdraw/trust v1\n`, `\ufeff${everything}`, everything.replace('v1', ' v1'), ''];
  const quotesNothing = (error) => error.code === 'not-a-trust-file' && !JSON.stringify(error).includes('PRIVATE');
  for (const text of [secret, ...others]) {
    assert.throws(() => read(text), quotesNothing);
  }
  refuses('not-utf-8', () => parseTrust(Uint8Array.of(0x66, 0xff)));
});

test('a number beyond every time and every head count is for ever', () => {
  const trust = read(everything.replace('margin 300', `margin ${'9'.repeat(400)}`));
  assert.equal(trust.margin, Number.MAX_SAFE_INTEGER);
});

test('a nesting of ten thousand groups neither exhausts the stack nor changes the quorum', () => {
  const [head] = everything.split('group');
  const groups = Array.from({ length: 10_000 }, (_, i) => `group g${i} any ${i ? `g${i - 1}` : 'w1'}`);
  const trust = read(`${head}${groups.join('\n')}\nquorum g9999\n`);
  assert.deepEqual([trust.forkers, trust.backdaters], [1, 1]);
  const [w1] = trust.witnesses;
  assert.equal(orderTime(trust, [{ witness: w1, time: 5 }]), 5);
});

test('two witnesses of one key name below one group are one voice, at any depth', () => {
  const twin = accept.find(({ name }) => name.startsWith('two keys of one witness')).text;
  const apart = twin
    .replace('group one any w1 w1-2', 'group one any w1\ngroup three any w1-2')
    .replace('group witnesses all one w2', 'group two any w2\ngroup witnesses 2 one two three');
  refuses('bad-policy', () => read(apart));
});

// --- when a quorum had seen a checkpoint ---------------------------------------------------------------------------

const threeOfFour = read(accept.find(({ name }) => name === 'three of four').text);
const seen = (trust, ...times) =>
  times.flatMap((of, i) => [of].flat().map((time) => ({ witness: trust.witnesses[i], time })));

test('the order time is when the last witness that was needed had cosigned', () => {
  const order = (...times) => orderTime(threeOfFour, seen(threeOfFour, ...times));
  assert.equal(order(5, 9, 7), 9);
  assert.equal(order(5, 9, 7, 6), 7);
  assert.equal(order(5, 9), null);
  assert.equal(order(), null);
  assert.equal(order([8, 5], 9, [1, 7], []), 9); // the earliest of each
  assert.equal(order([0, 8], 9, 7), 9); // the time 0 says nothing
  assert.equal(order(0, 9, 7), null);
});

test('the freshness time is since when no quorum is shown any more', () => {
  const fresh = (...times) => freshnessTime(threeOfFour, seen(threeOfFour, ...times));
  assert.equal(fresh(5, 9, 7), 5);
  assert.equal(fresh(5, 9, 7, 6), 6);
  assert.equal(fresh(5, 9), null);
  assert.equal(fresh([8, 5], 9, [1, 7]), 7); // the latest of each
});

test('groups of groups, against every set of witnesses', () => {
  const trust = read(accept.find(({ name }) => name === 'two keys of one witness that stand in for each other').text);
  const [w1, w2, twin] = trust.witnesses;
  const at = (...pairs) => orderTime(trust, pairs.map(([witness, time]) => ({ witness, time })));
  assert.equal(at([w1, 3], [w2, 5]), 5);
  assert.equal(at([twin, 3], [w2, 5]), 5);
  assert.equal(at([w1, 9], [twin, 3], [w2, 5]), 5);
  assert.equal(at([w1, 3], [twin, 4]), null); // one witness with two keys is not two
});

test('without a quorum line there is no such time', () => {
  const trust = read(accept[0].text);
  assert.equal(orderTime(trust, []), null);
  assert.equal(freshnessTime(trust, []), null);
});
