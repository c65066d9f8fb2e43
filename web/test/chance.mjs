/** Chance for tests, the same on every run. */

import { createHash } from 'node:crypto';

/** @param {string} seed */
export function chance(seed) {
  let count = 0;
  const below = (bound) => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE(0) % bound;
  return { below, pick: (things) => things[below(things.length)] };
}
