/** The key of a draw and its tickets (specs/tickets.md). */

import { digestText } from './encoding.mjs';

/**
 * The key, in hex: SHA-256 of its lines (specs/tickets.md §1).
 * @param {{kind: 'announcement'|'substitution-call', hash: string, seeds: [string, ?string][],
 *   pulses: {chain: string, round: number, randomness: string}[], embargo: ?string}} parts
 */
export const drawKey = (parts) => digestText(keyLines(parts).map((line) => `${line}\n`).join(''));

/** The lines that the key is the hash of, for a reader who wants to do it by hand. */
export function keyLines({ kind, hash, seeds, pulses, embargo }) {
  return [
    'fairdraw/v1/key',
    `${kind} ${hash}`,
    ...seeds.map(([name, seed]) => `seed ${name} ${seed ?? '-'}`),
    ...pulses.map(({ chain, round, randomness }) => `pulse ${chain} ${round} ${randomness}`),
    ...(embargo === null ? [] : [`embargo ${embargo}`]),
  ];
}

/** A ticket, in hex: SHA-256 of key, purpose and fields, each ended by LF (specs/tickets.md §2). */
export const ticket = (keyHex, purpose, ...fields) => digestText(`${[keyHex, purpose, ...fields].join('\n')}\n`);
