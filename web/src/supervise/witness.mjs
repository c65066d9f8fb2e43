/** A witness in a browser: it cosigns what extends what it last saw, at a time that can be right (specs/log.md §5). */

import { toHex, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { EMPTY_ROOT, checkConsistency, rootOf, sameHash } from '../core/merkle.mjs';
import { COSIGNATURE } from '../core/note.mjs';
import { backwardsFile, bareNote, forkFile, lineText, noteOf } from './evidence.mjs';

export const seenKey = (origin) => `seen/${origin}`;
export const CLOCK = 'clock';

/** A log showed what must not be: `evidence` is a file to keep. */
export class Caught extends Refusal {
  constructor(code, params, evidence) {
    super(code, params);
    this.evidence = evidence;
  }
}

/**
 * Refuse a checkpoint that does not extend the one seen last.
 * @param {{size: number, root: Uint8Array, text: string, note: object}} checkpoint signed by the log
 * @param {?object} seen what was stored last: size, root, bare, leaves
 * @param {object} grown how it was looked at: `leaves`, the hashes of all its entries; or `old` and `proof` of a request
 */
export function checkGrown(checkpoint, seen, grown, logKey) {
  const { size, root } = checkpoint;
  if (size === 0 && !sameHash(root, EMPTY_ROOT)) throw new Refusal('empty-tree-root');
  const { leaves = null } = grown;
  if (leaves && (leaves.length !== size || !sameHash(rootOf(leaves), root))) {
    throw new Refusal('root-mismatch', { expected: size, found: leaves.length }); // the host's files are not what was signed
  }
  if (seen === null) return needWholeProof(checkpoint, grown);
  const shown = { size, root, bare: bareNote(checkpoint, logKey) };
  if (size < seen.size) throw wentBack(shown, seen);
  if (size === seen.size) {
    if (!sameHash(root, seen.root)) throw forked(shown, seen, []);
    return;
  }
  if (seen.size === 0) return;
  if (leaves) {
    if (!sameHash(rootOf(leaves.slice(0, seen.size)), seen.root)) throw forked(shown, seen, leaves);
    return;
  }
  if (grown.old !== seen.size) throw new Refusal('witness-saw-another-size', { expected: seen.size, found: grown.old });
  checkConsistency({ size1: seen.size, root1: seen.root, size2: size, root2: root, proof: grown.proof });
}

/** Of a first checkpoint nothing is to be proven but that its files are there; a request says so with `old 0`. */
function needWholeProof(checkpoint, { leaves = null, old }) {
  if (!leaves && old !== 0) throw new Refusal('witness-saw-another-size', { expected: 0, found: old });
}

/** A smaller tree: an old copy, or another history; the leaves that were seen tell which. */
function wentBack(shown, seen) {
  const params = { expected: seen.size, found: shown.size };
  if (seen.leaves && !sameHash(rootOf(seen.leaves.slice(0, shown.size)), shown.root)) {
    return forked(shown, seen, seen.leaves);
  }
  return new Caught('log-went-back', params, backwardsFile(shown.bare, seen.bare));
}

const forked = (shown, seen, leaves) =>
  new Caught(
    'log-forked',
    { size: Math.min(shown.size, seen.size), expected: toHex(seen.root), found: toHex(shown.root) },
    forkFile([shown, seen], leaves),
  );

/**
 * Refuse a time that cannot be right: behind a beacon round that was verified, or behind one that was signed.
 * @param {?{last: number, floor: number}} clock
 */
export function checkClock(now, clock, floor = 0) {
  const known = Math.max(floor, clock?.floor ?? 0);
  if (now < known) throw new Refusal('clock-behind-round', { expected: known, found: now });
  if (now < (clock?.last ?? 0)) throw new Refusal('clock-went-back', { expected: clock.last, found: now });
}

/**
 * Store what a log showed, if it extends what was seen last. Else who signs and never cosigns could be shown one history
 * today and another one tomorrow.
 * @param {{checkpoint: object, grown: {leaves: Uint8Array[], held?: Uint8Array, first?: string}, logKey: object}} what
 */
export function look(store, { checkpoint, grown, logKey }) {
  const key = seenKey(checkpoint.origin);
  return store.change([key], (seen) => {
    checkGrown(checkpoint, opened(seen), grown, logKey);
    return [[key, seenOf(checkpoint, bareNote(checkpoint, logKey), seen?.time ?? null, grown, seen)]];
  });
}

/** What is stored of a tree: `time` is that of the last cosignature; leaves, and what is known of them, where they were seen. */
function seenOf({ size, root }, bare, time, { leaves = null, held = null, first = null }, seen) {
  if (leaves) return { size, root, time, bare, leaves: joined(leaves), held, first };
  const same = seen?.size === size ? seen : {};
  return { size, root, time, bare, leaves: same.leaves ?? null, held: same.held ?? null, first: same.first ?? null };
}

/**
 * Cosign: look, store, and only then sign. Returns the checkpoint as a note with the log's line and the witness's.
 *
 * @param {object} store
 * @param {{vkey: object, sign: (message: Uint8Array) => Promise<Uint8Array>}} key
 * @param {{checkpoint: object, grown: object, logKey: object, now: number, floor?: number}} what
 */
export async function cosign(store, key, { checkpoint, grown, logKey, now, floor = 0 }) {
  if (key.vkey.type !== COSIGNATURE) throw new Refusal('unknown-algorithm', { found: key.vkey.type });
  const { origin, text } = checkpoint;
  const bare = bareNote(checkpoint, logKey);
  await store.change([seenKey(origin), CLOCK], (seen, clock) => {
    // Within the transaction: of two pages the slower must not roll the faster one back.
    checkGrown(checkpoint, opened(seen), grown, logKey);
    checkClock(now, clock, floor);
    return [
      [seenKey(origin), seenOf(checkpoint, bare, now, grown, seen)],
      [CLOCK, { last: now, floor: Math.max(floor, clock?.floor ?? 0) }],
    ];
  });
  const signature = new Uint8Array(8 + 64);
  new DataView(signature.buffer).setBigUint64(0, BigInt(now));
  signature.set(await key.sign(utf8(`cosignature/v1\ntime ${now}\n${text}`)), 8);
  return noteOf(text, [bare.slice(text.length + 1), lineText(key.vkey, signature)]);
}

/** What was seen last, its leaves as hashes. */
export const opened = (seen) => seen && { ...seen, leaves: seen.leaves && split(seen.leaves) };

function joined(hashes) {
  const bytes = new Uint8Array(32 * hashes.length);
  hashes.forEach((hash, i) => bytes.set(hash, 32 * i));
  return bytes;
}

const split = (bytes) => Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
