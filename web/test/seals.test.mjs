import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import { canonical, toHex, utf8 } from '../src/core/encoding.mjs';
import { rootOf } from '../src/core/merkle.mjs';
import { checkOpening, fieldLeaf, readOpenings } from '../src/core/snapshot.mjs';
import { refuses, runVectors, vectors } from './vectors.mjs';

runVectors('seals', (item) => {
  if ('opening' in item) return checkOpening(item.opening, { private: item.schema }, { seal: item.seal });
  const { no, secret } = item;
  const salts = item.private.map(([field]) =>
    createHmac('sha256', Buffer.from(secret, 'hex')).update(`fairdraw/v1/salt\n${no}\n${field}\n`).digest('hex'),
  );
  assert.deepEqual(salts, item.salts);
  const leaves = item.private.map(([field, , value], i) => fieldLeaf({ no, field, value, salt: salts[i] }));
  assert.deepEqual(leaves.map(toHex), item.leaves);
  assert.equal(toHex(rootOf(leaves)), item.seal);
});

const { opening, schema, seal } = vectors('seals').accept.find(({ name }) => name === 'opening of name');
const check = (change) => checkOpening({ ...opening, ...change }, { private: schema }, { seal });

test('an opening with any bit of its path, salt or seal changed does not fit', () => {
  const flip = (hex, at) => hex.slice(0, at) + (parseInt(hex[at], 16) ^ 1).toString(16) + hex.slice(at + 1);
  for (let at = 0; at < 64; at++) {
    refuses('opening-does-not-fit', () => check({ salt: flip(opening.salt, at) }));
    refuses('opening-does-not-fit', () => checkOpening(opening, { private: schema }, { seal: flip(seal, at) }));
    opening.path.forEach((hash, i) => {
      refuses('opening-does-not-fit', () => check({ path: opening.path.with(i, flip(hash, at)) }));
    });
  }
  for (const path of [[], opening.path.slice(1), [...opening.path, seal], opening.path.toReversed()]) {
    refuses('opening-does-not-fit', () => check({ path }));
  }
});

test('a field stands at its own place alone', () => {
  refuses('opening-does-not-fit', () => check({ field: 'uscc' }));
  refuses('unknown-field', () => check({ field: 'constructor' }));
  refuses('opening-does-not-fit', () => checkOpening(opening, { private: schema.toReversed() }, { seal }));
  for (const other of [schema.slice(0, 1), [...schema, ['more', true], ['most', true]]]) {
    refuses('opening-does-not-fit', () => checkOpening(opening, { private: other }, { seal }));
  }
});

test('a file of openings', () => {
  const line = canonical(opening);
  const read = (...lines) => readOpenings(utf8(lines.map((one) => `${one}\n`).join('')));
  assert.deepEqual(read(line, line).map((one) => ({ ...one })), [opening, opening]);
  assert.deepEqual(read(), []);
  const paths = [{ path: 1 }, { path: ['ab'] }];
  const changes = [{ field: 'A' }, { no: '' }, ...paths, { salt: '' }, { value: null }, { more: 1 }];
  for (const change of changes) {
    refuses('bad-opening', () => read(line, canonical({ ...opening, ...change })));
  }
  for (const bad of ['', '[]', 'null', ` ${line}`, line.slice(1), '{}']) refuses('bad-opening', () => read(bad));
  refuses('bad-opening', () => readOpenings(utf8(line)));
  refuses('bad-opening', () => readOpenings(Uint8Array.of(0xff, 0x0a)));
});
