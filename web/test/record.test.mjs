/** specs/record.md §5, and its examples. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { readExclusions, readRecusals } from '../src/core/announcement.mjs';
import { drawLots } from '../src/core/draw.mjs';
import { canonical, digestText, parseText, utf8 } from '../src/core/encoding.mjs';
import {
  differingFields, fingerprint, makeRecord, nonceOf, readResultList, readSealedResult,
} from '../src/core/record.mjs';
import { parseStatement } from '../src/core/schema.mjs';
import { runVectors, vectors } from './vectors.mjs';

const rowsOf = (text) => text.split('\n').slice(0, -1).map((line) => parseText(line));

/** Make the record of a case again. */
function recordOf(given, change = {}) {
  const plan = parseStatement(utf8(given.plan));
  const announcement = parseStatement(utf8(given.announcement));
  const outcome = drawLots({
    announcement,
    plan,
    objects: rowsOf(given.objects),
    inspectors: rowsOf(given.inspectors),
    recusals: readRecusals(utf8(given.recusals)),
    exclusions: readExclusions(utf8(given.exclusions)),
    key: given.key,
    ...change,
  });
  return makeRecord({
    announcement: {
      statement: announcement,
      hash: digestText(given.announcement),
      index: given.announcement_index,
    },
    pulses: parseStatement(utf8(given.draw)).pulses,
    key: given.key,
    embargo: given.embargo,
    outcome,
  });
}

runVectors('record', (given) => {
  if ('list' in given) return readResultList(utf8(given.list));
  const made = recordOf(given);
  assert.deepEqual(made.lines, given.lines);
  assert.equal(made.artifact, given.artifact);
  const { seq, prev, time } = parseStatement(utf8(given.draw));
  assert.equal(`${canonical({ ...made.statement, seq, prev, time })}\n`, given.draw);
});

test('every logged field but seq, prev, time and with is compared', () => {
  for (const given of vectors('record').accept) {
    const logged = parseStatement(utf8(given.draw));
    const { statement } = recordOf(given);
    assert.deepEqual(differingFields(logged, statement), []);
    for (const name of Object.keys(statement).filter((field) => field !== 'with')) {
      assert.deepEqual(differingFields({ ...logged, [name]: 'another' }, statement), [name]);
    }
  }
});

test('another key draws another result', () => {
  const [given] = vectors('record').accept;
  assert.notDeepEqual(recordOf(given, { key: '0'.repeat(64) }).lines, given.lines);
});

test('a sealed result reads as the open one', () => {
  const given = vectors('record').accept.find(({ embargo }) => embargo !== null);
  const open = utf8(given.lines.map((line) => `${line}\n`).join(''));
  assert.deepEqual(readSealedResult(utf8(given.artifact)), readResultList(open));
  assert.ok(readResultList(open).drawn.length > 0);
});

test('the examples of the specification', () => {
  assert.equal(
    nonceOf('9fc073e6d2f98cd09b7d7aa0dfb701e4123ab8f43df74a6f6bed994fd5bbb21c'),
    'e1cb840a30b40571c8d58ad25b0865f848c299d6475b511b87b3858af6f5265c',
  );
  const [given] = vectors('record').accept;
  const specification = readFileSync(new URL('../../specs/record.md', import.meta.url), 'utf8');
  assert.ok(specification.includes(`has the fingerprint \`${fingerprint(digestText(given.announcement))}\``));
  assert.equal(fingerprint('0'.repeat(63) + '1'), '0000 0000 0000 0000 0000');
  assert.equal(fingerprint('f'.repeat(64)), '1157 9208 9237 3161 9542');
});
