import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { utf8 } from '../src/core/encoding.mjs';
import {
  checkConsistency, checkInclusion, EMPTY_ROOT, leafHash, nodeHash, rootOf, rootOfLines,
} from '../src/core/merkle.mjs';
import { refuses } from './vectors.mjs';

// RFC 6962 §2.1 to §2.1.2 as they are written there, over node's own SHA-256.
const sha256 = (...parts) => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
const split = (n) => 2 ** Math.ceil(Math.log2(n) - 1); // the largest power of two below n
const mth = (d) => {
  if (d.length === 0) return sha256();
  if (d.length === 1) return sha256(Buffer.of(0), d[0]);
  const k = split(d.length);
  return sha256(Buffer.of(1), mth(d.slice(0, k)), mth(d.slice(k)));
};
const path = (m, d) => {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
};
const subproof = (m, d, whole) => {
  if (m === d.length) return whole ? [] : [mth(d)];
  const k = split(d.length);
  if (m <= k) return [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))];
  return [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
};

/** A small generator of numbers, the same on every run. */
const chance = (seed) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

const leaves = Array.from({ length: 40 }, (_, i) => utf8(`leaf ${i}`));
const hashes = leaves.map(leafHash);
const flip = (hash, bit) => hash.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

test('roots are those of RFC 6962', () => {
  for (let size = 0; size <= leaves.length; size++) {
    assert.deepEqual(rootOf(hashes.slice(0, size)), mth(leaves.slice(0, size)));
  }
  assert.equal(rootOfLines([]), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(rootOfLines(['a', '医']), Buffer.from(mth([utf8('a'), utf8('医')])).toString('hex'));
});

test('lines of any length and alphabet have the root of their bytes, whatever was hashed before them', () => {
  const shorter = Array.from({ length: 130 }, (_, i) => 'x'.repeat(129 - i));
  const lines = ['𠮷'.repeat(90), 'é'.repeat(40), '', '医'.repeat(22), ...shorter];
  const expected = Buffer.from(mth(lines.map(utf8))).toString('hex');
  assert.equal(rootOfLines(lines), expected);
  lines.forEach((line, i) => assert.notEqual(rootOfLines(lines.with(i, `${line}.`)), expected));
});

test('a root stays what it is, and so do the hashes that it was made of', () => {
  const given = hashes.slice(0, 7).map((hash) => hash.slice());
  const root = rootOf(given);
  rootOf(hashes.slice(7));
  assert.deepEqual(root, mth(leaves.slice(0, 7)));
  assert.deepEqual(given, hashes.slice(0, 7));
});

test('every inclusion proof holds', () => {
  for (let size = 1; size <= leaves.length; size++) {
    const root = rootOf(hashes.slice(0, size));
    for (let index = 0; index < size; index++) {
      checkInclusion({ leaf: hashes[index], index, size, path: path(index, leaves.slice(0, size)), root });
    }
  }
});

test('an inclusion proof fails with any bit, hash, index or size changed', () => {
  for (const size of [1, 2, 3, 4, 7, 8, 11]) {
    const root = rootOf(hashes.slice(0, size));
    for (let index = 0; index < size; index++) {
      const good = { leaf: hashes[index], index, size, path: path(index, leaves.slice(0, size)), root };
      for (let bit = 0; bit < 256; bit++) {
        refuses('root-mismatch', () => checkInclusion({ ...good, leaf: flip(good.leaf, bit) }));
        refuses('root-mismatch', () => checkInclusion({ ...good, root: flip(root, bit) }));
        good.path.forEach((hash, at) => {
          const bent = good.path.with(at, flip(hash, bit));
          refuses('root-mismatch', () => checkInclusion({ ...good, path: bent }));
        });
      }
      refuses('proof-length', () => checkInclusion({ ...good, path: [...good.path, root] }));
      if (good.path.length) refuses('proof-length', () => checkInclusion({ ...good, path: good.path.slice(1) }));
      for (let other = 0; other < size; other++) {
        if (other !== index) assert.throws(() => checkInclusion({ ...good, index: other }), { name: 'Refusal' });
      }
    }
  }
});

test('an index that is none, a size that is none, a hash that is too short', () => {
  const good = { leaf: hashes[0], index: 0, size: 2, path: [hashes[1]], root: rootOf(hashes.slice(0, 2)) };
  checkInclusion(good);
  for (const index of [-1, 2, 0.5, NaN, '0', null]) {
    refuses('index-out-of-range', () => checkInclusion({ ...good, index }));
  }
  for (const size of [-1, 1.5, NaN, 2 ** 53, null]) {
    refuses('size-out-of-range', () => checkInclusion({ ...good, size }));
  }
  refuses('hash-length', () => checkInclusion({ ...good, path: [hashes[1].slice(1)] }));
  refuses('root-mismatch', () => checkInclusion({ ...good, root: new Uint8Array(0) }));
  refuses('index-out-of-range', () => checkInclusion({ ...good, size: 0 }));
});

test('sizes above 2^32 need as many hashes as they must', () => {
  const size = 2 ** 40 + 1;
  let root = hashes[0];
  const left = Array.from({ length: 40 }, (_, i) => hashes[i]);
  for (const hash of left) root = nodeHash(root, hash);
  const last = hashes[1];
  checkInclusion({ leaf: hashes[0], index: 0, size, path: [...left, last], root: nodeHash(root, last) });
  checkInclusion({ leaf: last, index: size - 1, size, path: [root], root: nodeHash(root, last) });
  checkConsistency({ size1: 2 ** 40, root1: root, size2: size, root2: nodeHash(root, last), proof: [last] });
});

test('every consistency proof holds', () => {
  for (let size2 = 0; size2 <= leaves.length; size2++) {
    const root2 = rootOf(hashes.slice(0, size2));
    for (let size1 = 0; size1 <= size2; size1++) {
      const proof = size1 === 0 ? [] : subproof(size1, leaves.slice(0, size2), true);
      checkConsistency({ size1, root1: rootOf(hashes.slice(0, size1)), size2, root2, proof });
    }
  }
});

test('a consistency proof fails with any bit, hash or size changed', () => {
  const random = chance(6962);
  for (let round = 0; round < 40; round++) {
    const size2 = 2 + Math.floor(random() * 30);
    const size1 = 1 + Math.floor(random() * (size2 - 1));
    const good = {
      size1,
      root1: rootOf(hashes.slice(0, size1)),
      size2,
      root2: rootOf(hashes.slice(0, size2)),
      proof: subproof(size1, leaves.slice(0, size2), true),
    };
    checkConsistency(good);
    const bent = { name: 'Refusal' };
    for (let bit = 0; bit < 256; bit += 1 + Math.floor(random() * 3)) {
      assert.throws(() => checkConsistency({ ...good, root1: flip(good.root1, bit) }), bent);
      assert.throws(() => checkConsistency({ ...good, root2: flip(good.root2, bit) }), bent);
      good.proof.forEach((hash, at) => {
        assert.throws(() => checkConsistency({ ...good, proof: good.proof.with(at, flip(hash, bit)) }), bent);
      });
    }
    refuses('proof-length', () => checkConsistency({ ...good, proof: [...good.proof, hashes[0]] }));
    refuses('proof-length', () => checkConsistency({ ...good, proof: good.proof.slice(1) }));
    refuses('size-out-of-range', () => checkConsistency({ ...good, size1: size2 + 1 }));
  }
});

test('trees of one size are the same tree, and the empty one is in every history', () => {
  const root = rootOf(hashes.slice(0, 3));
  const other = rootOf(hashes.slice(1, 4));
  checkConsistency({ size1: 3, root1: root, size2: 3, root2: root, proof: [] });
  refuses('old-root-mismatch', () => checkConsistency({ size1: 3, root1: other, size2: 3, root2: root, proof: [] }));
  refuses('proof-length', () => checkConsistency({ size1: 3, root1: root, size2: 3, root2: root, proof: [other] }));
  const empty = { size1: 0, root1: EMPTY_ROOT, size2: 3, root2: root, proof: [] };
  checkConsistency(empty);
  refuses('old-root-mismatch', () => checkConsistency({ ...empty, root1: root }));
  refuses('proof-length', () => checkConsistency({ ...empty, proof: [root] }));
});
