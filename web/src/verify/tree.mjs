/** The roots of a growing tree (RFC 6962 §2.1), many of them in one pass over its leaves. */

import { CheckFails } from '../core/errors.mjs';
import { EMPTY_ROOT, nodeHash } from '../core/merkle.mjs';

/**
 * The root of the first leaves, for each of the sizes.
 * @param {(Uint8Array|null)[]} leaves hashes; null where an entry could not be had
 * @param {Set<number>} sizes none above the number of leaves
 * @returns {Map<number, Uint8Array>}
 */
export function rootsAt(leaves, sizes) {
  const roots = new Map();
  let last = 0;
  for (const size of sizes) last = Math.max(last, size);
  const full = []; // the roots of the full subtrees so far, the largest first
  if (sizes.has(0)) roots.set(0, EMPTY_ROOT);
  for (let size = 1; size <= last; size++) {
    if (leaves[size - 1] === null) throw new CheckFails('entry-unavailable', { index: size - 1 });
    full.push(leaves[size - 1]);
    for (let rest = size; rest % 2 === 0; rest /= 2) full.push(nodeHash(...full.splice(-2)));
    if (sizes.has(size)) roots.set(size, full.reduceRight((right, left) => nodeHash(left, right)));
  }
  return roots;
}
