/**
 * Whether a regulation is what its name says, or derives from one that is (specs/regulation.md §6.4, §7).
 *
 * A reader who finds the id of a known one under another digest holds an altered copy: the name must not vouch for it.
 */

import { checkDerived } from './deriving.mjs';
import { CannotTell, Refusal } from './errors.mjs';
import { readRegulation } from './regulation.mjs';

/** The digests of the five (specs/regulation.md §7). */
export const GENUINE = new Map([
  ['shandong-2020', '2a6491efbd831a92276417d2bd106c50b793cfd7b79f3f845fdb29fa76fd2dff'],
  ['shuozhou-2023', '8d39927d115fa7ad7a7e825fbda52c769fcdf29caef5596a8e02bd336961a327'],
  ['laiyuan', '36227a81de6042a57398872080e00c1484d506ff48814017e2ca0c2bbdfc6e3a'],
  ['shanghai-2024', '9c7b2fbe3ea4fe7460c4ceb11f5a2030fe9dbcf1abc7b314e73a256928953e11'],
  ['plan-2025', 'f0ebee4fa05f191fb85b365e7924ffbfca041013e303f0aabcbf1fa5284496e2'],
]);

/**
 * Refuse a regulation that is not what its name says, or does not derive from its parent (§6.4).
 *
 * @param {object} regulation one that `readRegulation` gave
 * @param {(digest: string) => Uint8Array|null} carried the artifacts that came with it
 * @returns {string|null} the id of the one of §7 that it is or derives from; null is the finding `unknown-regulation`
 */
export function checkFoundation(regulation, carried) {
  needGenuine(regulation);
  if (regulation.extends !== null) {
    const { id, digest } = regulation.extends;
    const bytes = carried(digest);
    if (bytes === null) throw new CannotTell('regulation-parent-missing', { expected: digest, found: id });
    const parent = readRegulation(bytes);
    needGenuine(parent);
    checkDerived(parent, regulation);
    if (GENUINE.has(parent.id)) return parent.id;
  }
  return GENUINE.has(regulation.id) ? regulation.id : null;
}

function needGenuine({ id, digest }) {
  const known = GENUINE.get(id);
  if (known !== undefined && known !== digest)
    throw new Refusal('regulation-not-genuine', { expected: known, found: id });
}
