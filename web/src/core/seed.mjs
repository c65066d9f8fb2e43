/** What seeds and embargo keys are committed to by (specs/seed.md §2, §3). Seeds and keys are hex. */

import { digestText } from './encoding.mjs';
import { Refusal } from './errors.mjs';

/** The commitment of a contributor, by the name of its key, to a seed for a slot. */
export function seedCommitment({ slot, name, seed }) {
  need32(seed);
  return digestText(`fairdraw/v1/commitment\n${slot}\n${name}\n${seed}\n`);
}

/** The commitment to the embargo key of an announcement, by its first slot. */
export function embargoCommitment({ slot, embargo }) {
  need32(embargo);
  return digestText(`fairdraw/v1/embargo\n${slot}\n${embargo}\n`);
}

/** Of 32 bytes: fewer could be tried out, and six dice are six digits. */
function need32(hex) {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new Refusal('seed-length', { expected: 32, found: hex.length / 2 });
}
