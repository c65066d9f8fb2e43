/** The sources of a draw together: nobody can foresee them, and nobody can choose the last (specs/beacon.md §11). */

import { EVENTS, EVENTS_ID, isNist, roundTime } from './beacon.mjs';
import { sha256hex } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { claimedBits, readDefinition } from './events.mjs';

/** So many claimed bits stand without a round of drand (specs/beacon.md §11). */
const ENOUGH_BITS = 128;

/**
 * What a source is a round of: a chain of the trust file, or events.
 *
 * @param {{beacon: string, hash: string, round: number}} source as announced
 * @param {Map<string, object>} chains those of the reader's trust file, by id
 */
export function chainOfSource(source, chains) {
  if (source.beacon === EVENTS_ID) return EVENTS;
  const chain = chains.get(source.beacon);
  if (!chain || chain.hash !== source.hash) throw new Refusal('unknown-chain', { found: source.beacon });
  return chain;
}

/** Whether what a source gave is an artifact: a document (specs/beacon.md §10.1) or values (specs/events.md §1). */
export const namesArtifact = (chain) => chain === EVENTS || isNist(chain);

/**
 * The digest of the artifact that the pulse of such a source names.
 *
 * @param {{signature: string, previous: string|null}} pulse
 */
export function artifactOfPulse(pulse) {
  if (!/^[0-9a-f]{64}$/.test(pulse.signature) || pulse.previous !== null) {
    throw new Refusal('not-an-artifact', { found: pulse.beacon });
  }
  return pulse.signature;
}

/**
 * The time of the last round of drand among the sources, or null (specs/events.md §5, item 3).
 *
 * @param {{beacon: string, hash: string, round: number}[]} sources
 * @param {Map<string, object>} chains
 */
export function lastDrand(sources, chains) {
  const rounds = sources.map((source) => [chainOfSource(source, chains), source.round]);
  const times = rounds.filter(([chain]) => !namesArtifact(chain)).map(([chain, round]) => roundTime(chain, round));
  return times.length ? Math.max(...times) : null;
}

/** The time of the earliest source, which the limit is counted from (specs/announcement.md §2). */
export const earliestTime = (sources, chains) =>
  Math.min(...sources.map((source) => roundTime(chainOfSource(source, chains), source.round)));

/**
 * Refuse sources that together could be foreseen or chosen (specs/beacon.md §11).
 *
 * @param {object[]} sources the announced ones, which the schema of statements has counted and told apart
 * @param {Map<string, object>} chains those of the reader's trust file, by id
 * @param {number} margin the larger of the announcement's and the reader's
 * @param {(digest: string) => Uint8Array} artifact gives a definition's bytes, or throws
 * @returns {{definition: object|null}} the definition of the events among them
 */
export function checkSources(sources, chains, margin, artifact) {
  const rounds = sources.map((source) => ({ source, chain: chainOfSource(source, chains) }));
  const events = rounds.find(({ chain }) => chain === EVENTS);
  const definition = events ? definitionOf(events.source, artifact) : null;
  const last = lastDrand(sources, chains);
  if (last === null) {
    if (rounds.length > 1 || definition === null || claimedBits(definition.events) < ENOUGH_BITS) {
      throw new Refusal('weak-sources', { found: sources.map(({ beacon }) => beacon).join() });
    }
    return { definition };
  }
  for (const { source, chain } of rounds.filter((round) => namesArtifact(round.chain))) {
    const closes = chain === EVENTS ? definition.deadline : roundTime(chain, source.round);
    // Whoever can still choose a value when the last round is known chooses the draw.
    if (closes + margin >= last) throw new Refusal('sources-order', { name: source.beacon });
  }
  return { definition };
}

/** The definition that a source of events names, and whose first event is due in its round (specs/events.md §1). */
function definitionOf(source, artifact) {
  const bytes = artifact(source.hash);
  const digest = sha256hex(bytes);
  if (digest !== source.hash) throw new Refusal('wrong-digest', { expected: source.hash, found: digest });
  const definition = readDefinition(bytes);
  if (definition.round !== source.round) {
    throw new Refusal('wrong-round', { expected: definition.round, found: source.round });
  }
  return definition;
}
