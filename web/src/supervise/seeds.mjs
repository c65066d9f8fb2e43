/** Seeds: a supervisor commits to 32 bytes before the announcement and reveals them after it (specs/seed.md §2). */

import { sha256, toHex, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { seedCommitment } from '../core/seed.mjs';

const keptKey = (origin, slot) => `seed/${origin}/${slot}`;

/** Slots of the plans that the log has, sorted. */
export const plannedSlots = (statements) =>
  [...new Set(statements.filter(({ statement }) => statement.type === 'plan').flatMap(({ statement }) => statement.slots))].sort();

/**
 * The statement that commits to a seed, and what is stored together with its text. Digits that the owner rolled or made up
 * are mixed in: then a phone whose chance is bad, or bent, does not know the seed alone.
 */
export async function commitment(store, { origin, slot, name, digits = '' }) {
  const kept = await store.get(keptKey(origin, slot));
  const seed = kept?.seed ?? freshSeed(digits);
  const what = { type: 'commitment', slot, commitment: seedCommitment({ slot, name, seed }) };
  return { what, beside: kept ? [] : [[keptKey(origin, slot), { slot, seed }]] };
}

function freshSeed(digits) {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(32));
  return toHex(sha256(new Uint8Array([...random, ...utf8(digits)])));
}

/** The owner's commitments in the log, each with the announcement that waits for its seed, or null, and whether it is revealed. */
export function commitmentsIn(statements, name) {
  const own = statements.filter(({ statement }) => statement.by === name);
  const announced = statements.filter(({ statement }) => statement.type === 'announcement' && statement.seed.kind === 'committed');
  return own
    .filter(({ statement }) => statement.type === 'commitment')
    .map(({ index, hash, statement }) => ({
      ...{ index, hash, slot: statement.slot, commitment: statement.commitment },
      announcement: announced.find((one) => one.statement.seed.contributors.some((c) => c.commitment.text === hash)) ?? null,
      revealed: own.some((one) => one.statement.type === 'reveal' && one.statement.commitment.text === hash),
    }));
}

/** The statement that reveals the seed of a commitment. Before the announcement a seed is no secret that it could wait for. */
export async function reveal(store, origin, { index, hash, slot, commitment: committed, announcement }, name) {
  if (!announcement) throw new Refusal('not-announced', { slot });
  const kept = await store.get(keptKey(origin, slot));
  if (!kept || seedCommitment({ slot, name, seed: kept.seed }) !== committed) throw new Refusal('seed-missing', { slot });
  return { type: 'reveal', commitment: { index, text: hash }, seed: kept.seed };
}
