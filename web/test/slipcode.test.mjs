/** Slips in codes on paper (specs/slip.md §6), and the deflate below them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';

import { text, utf8 } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { inflate } from '../src/core/inflate.mjs';
import { readPart, readParts } from '../src/core/slipcode.mjs';
import { runVectors, refuses, vectors } from './vectors.mjs';

runVectors('slipcode', ({ parts, file, reason }) => {
  let read;
  try {
    read = readParts(parts.map(readPart));
  } catch (error) {
    if (error instanceof Refusal && reason !== undefined) assert.equal(error.params.reason, reason);
    throw error;
  }
  assert.equal(text(read), file);
});

const LIMIT = 1 << 17;

const SAMPLES = {
  nothing: utf8(''),
  'one letter': utf8('a'),
  'one letter often': utf8('a'.repeat(70_000)),
  'a printed slip': utf8(vectors('slipcode').accept.find(({ name }) => name.startsWith('a slip')).file),
  'bytes without a pattern': Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + (i >> 3) * 17) & 255),
};

for (const [name, data] of Object.entries(SAMPLES)) {
  test(`inflate undoes deflate at every level: ${name}`, () => {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [0, 1, 2, 3, 4]) {
        const packed = deflateRawSync(data, { level, strategy });
        assert.deepEqual(inflate(packed, LIMIT), data);
        refuses('bad-slip-code', () => inflate(packed.subarray(0, -1), LIMIT));
        refuses('bad-slip-code', () => inflate(Buffer.concat([packed, Buffer.from([0])]), LIMIT));
      }
    }
  });
}

test('inflate stops at its limit', () => {
  const packed = deflateRawSync(new Uint8Array(1 << 20));
  refuses('bad-slip-code', () => inflate(packed, LIMIT));
});

test('whatever bits are flipped, inflate answers or refuses', () => {
  const packed = deflateRawSync(SAMPLES['a printed slip']);
  for (let bit = 0; bit < 8 * packed.length; bit += 7) {
    const twin = Buffer.from(packed);
    twin[bit >> 3] ^= 1 << (bit & 7);
    try {
      inflate(twin, LIMIT);
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error.stack));
    }
  }
});

test('every digit of a printed slip that is misread is seen', () => {
  const { parts } = vectors('slipcode').accept.find(({ name }) => name.startsWith('a slip'));
  for (let at = 9; at < parts[0].length; at += 101) {
    const digit = (Number(parts[0][at]) + 1) % 10;
    const misread = [parts[0].slice(0, at) + digit + parts[0].slice(at + 1), ...parts.slice(1)];
    refuses('bad-slip-code', () => readParts(misread.map(readPart)));
  }
});
