import { Refusal } from '../src/core/errors.mjs';
import { embargoCommitment, seedCommitment } from '../src/core/seed.mjs';
import { runVectors } from './vectors.mjs';

runVectors('commitments', ({ slot, contributor, seed, embargo, commitment }) => {
  if (embargo !== undefined) {
    if (embargoCommitment({ slot, embargo }) !== commitment) throw new Refusal('another-embargo');
  } else if (seedCommitment({ slot, name: contributor, seed }) !== commitment) {
    throw new Refusal('reveal-does-not-open');
  }
});
