/** The Merkle trees of RFC 6962 §2.1 over SHA-256, and their proofs. Hashes are Uint8Arrays of 32 bytes. */

import { sha256 } from '@noble/hashes/sha2.js';

import { toHex, utf8Into } from './encoding.mjs';
import { Refusal } from './errors.mjs';

const HASH_LENGTH = 32;

/** The root of no leaves: SHA-256 of nothing. */
export const EMPTY_ROOT = sha256(new Uint8Array(0));

/** SHA-256(00 ‖ data), RFC 6962 §2.1. */
export function leafHash(bytes) {
  const data = new Uint8Array(1 + bytes.length);
  data.set(bytes, 1);
  return sha256(data);
}

/** SHA-256(01 ‖ left ‖ right), RFC 6962 §2.1. */
export function nodeHash(left, right) {
  const data = new Uint8Array(1 + 2 * HASH_LENGTH);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 1 + HASH_LENGTH);
  return sha256(data);
}

// --- roots -----------------------------------------------------------------------------------------------------------

// A roster has a hundred thousand leaves. One state of SHA-256 and one row of hashes serve them all: a fresh array for
// every hash costs twice the hashing.
const FRESH = sha256.create();
const state = sha256.create();
const hashInto = (message, place) => FRESH._cloneInto(state).update(message).digestInto(place);
const hashAt = (hashes, i) => hashes.subarray(HASH_LENGTH * i, HASH_LENGTH * (i + 1));

/** The root of the tree over these leaf hashes. */
export function rootOf(leafHashes) {
  const hashes = new Uint8Array(HASH_LENGTH * leafHashes.length);
  leafHashes.forEach((hash, i) => hashes.set(hash, HASH_LENGTH * i));
  return rootAbove(hashes);
}

/** The root, in hex, of a list's lines (specs/encoding.md §3). */
export function rootOfLines(lines) {
  const hashes = new Uint8Array(HASH_LENGTH * lines.length);
  const longest = lines.reduce((most, { length }) => Math.max(most, length), 0);
  const leaf = new Uint8Array(1 + 3 * longest); // no character of UTF-16 takes more than three bytes
  const data = leaf.subarray(1);
  lines.forEach((line, i) => hashInto(leaf.subarray(0, 1 + utf8Into(line, data)), hashAt(hashes, i)));
  return toHex(rootAbove(hashes));
}

/** The root above leaf hashes that stand side by side. Every level takes the place of the one below it. */
function rootAbove(hashes) {
  let size = hashes.length / HASH_LENGTH;
  if (size === 0) return EMPTY_ROOT;
  const node = new Uint8Array(1 + 2 * HASH_LENGTH);
  node[0] = 1;
  while (size > 1) {
    const pairs = size >> 1;
    for (let i = 0; i < pairs; i++) {
      node.set(hashes.subarray(2 * HASH_LENGTH * i, 2 * HASH_LENGTH * (i + 1)), 1);
      hashInto(node, hashAt(hashes, i));
    }
    if (size % 2) hashAt(hashes, pairs).set(hashAt(hashes, size - 1)); // without a sibling it goes up as it is
    size -= pairs;
  }
  return hashAt(hashes, 0).slice();
}

// --- proofs ----------------------------------------------------------------------------------------------------------

export function sameHash(a, b) {
  return a.length === HASH_LENGTH && b.length === HASH_LENGTH && a.every((byte, i) => byte === b[i]);
}

const half = (number) => Math.floor(number / 2); // shifts would lose what is above 32 bits

/**
 * On which side of the way up from a node to the root each sibling stands; `node` and `last`, the last node, are
 * numbers on one level. Its length is how many hashes a proof must have, no matter what it brings.
 */
function siblings(node, last) {
  const sides = [];
  for (; last > 0; node = half(node), last = half(last)) {
    if (node % 2) sides.push('left');
    else if (node < last) sides.push('right');
  }
  return sides;
}

function needHashes(proof, expected) {
  if (proof.length !== expected) throw new Refusal('proof-length', { expected, found: proof.length });
  if (!proof.every((hash) => hash.length === HASH_LENGTH)) throw new Refusal('hash-length');
}

function needSize(size) {
  if (!Number.isSafeInteger(size) || size < 0) throw new Refusal('size-out-of-range');
}

/**
 * Refuse unless `path` (RFC 6962 §2.1.1, lowest hash first) leads from the leaf hash at `index` to the root of `size`
 * leaves. The size MUST come from what is signed: one root can be passed off under two (specs/README.md §2).
 */
export function checkInclusion({ leaf, index, size, path, root }) {
  needSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new Refusal('index-out-of-range');
  const sides = siblings(index, size - 1);
  needHashes(path, sides.length);
  let hash = leaf;
  sides.forEach((side, i) => {
    hash = side === 'left' ? nodeHash(path[i], hash) : nodeHash(hash, path[i]);
  });
  if (!sameHash(hash, root)) throw new Refusal('root-mismatch');
}

/** Refuse unless the tree of `size1` leaves is proven to be a prefix of that of `size2` (RFC 6962 §2.1.2). */
export function checkConsistency({ size1, root1, size2, root2, proof }) {
  needSize(size2);
  if (!Number.isSafeInteger(size1) || size1 < 0 || size1 > size2) throw new Refusal('size-out-of-range');
  if (size1 === 0 || size1 === size2) {
    needHashes(proof, 0);
    if (!sameHash(root1, size1 === 0 ? EMPTY_ROOT : root2)) throw new Refusal('old-root-mismatch');
    return;
  }
  // The proof starts at the largest whole subtree that ends where the smaller tree ends.
  let node = size1 - 1;
  let last = size2 - 1;
  for (; node % 2; node = half(node)) last = half(last);
  const whole = node === 0; // the smaller tree is that subtree, and the proof leaves its root out
  const sides = siblings(node, last);
  needHashes(proof, sides.length + (whole ? 0 : 1));
  const start = whole ? root1 : proof[0];
  const rest = whole ? proof : proof.slice(1);
  let old = start;
  let grown = start;
  sides.forEach((side, i) => {
    if (side === 'left') old = nodeHash(rest[i], old); // what stands to the right was not there yet
    grown = side === 'left' ? nodeHash(rest[i], grown) : nodeHash(grown, rest[i]);
  });
  if (!sameHash(grown, root2)) throw new Refusal('root-mismatch');
  if (!sameHash(old, root1)) throw new Refusal('old-root-mismatch');
}
