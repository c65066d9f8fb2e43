/** A log as a phone sees it: every entry hashed into the signed root, and what its bureau and supervisors say. */

import { CHAINS, checkPulse, roundTime } from '../core/beacon.mjs';
import { openCheckpoint } from '../core/checkpoint.mjs';
import { Refusal } from '../core/errors.mjs';
import { openFrozen } from '../core/frozen.mjs';
import { leafHash, sameHash } from '../core/merkle.mjs';
import { parseVkey } from '../core/note.mjs';
import { checkSignatures, readEntry } from '../core/statement.mjs';
import { readLog } from '../core/tiles.mjs';

const BREATH = 64; // entries

/**
 * Read a log whole and look at it. Nothing is compared with what was seen before: that is the witness's affair, which
 * does it with `leaves`.
 * @param {(path: string) => Promise<?Uint8Array>} read
 * @param {{log: object, bureau: object}} invitation
 * @param {{known?: Map<string, string>, before?: ?object, progress?: ?object}} [how] `known` are further vkeys by name:
 *   the phone's own; `before` is what was kept of an earlier look: `leaves`, and of each whether its signatures held
 */
export async function readHistory(read, { log, bureau }, { known = new Map(), before = null, progress = null } = {}) {
  const { entries, checkpoints, frozen } = await readLog(read, { progress });
  const newest = openCheckpoint(checkpoints[checkpoints.length - 1], [log]);
  if (frozen) needEnd(openFrozen(frozen, [log]), newest);
  if (entries.length < newest.size) throw new Refusal('entry-unavailable', { index: entries.length });
  const own = entries.slice(0, newest.size);
  const leaves = own.map(leafHash);
  const keys = new Map([[bureau.name, bureau.vkey], ...known]);
  const first = JSON.stringify([...keys]);
  const judged = before?.first === first ? judgedBefore(leaves, before) : [];
  const { statements, held } = await statementsOf(own, newest.origin, keys, { judged, progress });
  const files = { entries, checkpoints, frozen };
  return { checkpoint: newest, leaves, statements, floor: floorOf(statements), held, first, files };
}

/**
 * Of the entries that are those of an earlier look, from the first on: whether their signatures held. It depends on no
 * later entry, and a phone takes a millisecond or three for each.
 */
function judgedBefore(leaves, before) {
  let same = 0;
  while (same < Math.min(leaves.length, before.leaves.length) && sameHash(leaves[same], before.leaves[same])) same++;
  return before.held.subarray(0, same);
}

/** A log that said that it ended goes on with nothing (specs/log.md §6). */
function needEnd(end, { size, root }) {
  if (size !== end.size || !sameHash(root, end.root)) {
    throw new Refusal('frozen-differs', { expected: end.size, found: size });
  }
}

/** The statements whose signer is known, whose key was in force, and whose signatures hold; each text once. */
async function statementsOf(entries, origin, keys, { judged, progress }) {
  const told = [];
  const texts = new Set();
  const held = new Uint8Array(entries.length);
  for (const [index, bytes] of entries.entries()) {
    if (index >= judged.length && index % BREATH === 0) await breath(progress, index, entries.length);
    const entry = judged[index] === 0 ? null : validOf(bytes, origin, keys, judged[index] === 1);
    if (entry === null) continue;
    held[index] = 1;
    if (texts.has(entry.hash)) continue;
    texts.add(entry.hash);
    if (entry.statement.type === 'key') keys.set(entry.statement.by, entry.statement.new);
    told.push({ index, hash: entry.hash, statement: entry.statement, bytes });
  }
  return { statements: told, held };
}

/** Let the page show how far it is: of a long log the first look takes a phone minutes. */
function breath(progress, done, total) {
  progress?.(done, total);
  return new Promise((resolve) => setTimeout(resolve));
}

function validOf(bytes, origin, keys, verified) {
  try {
    const entry = readEntry(bytes);
    if (verified) return entry;
    if (entry.statement.log !== origin || !keys.has(entry.statement.by)) return null;
    try {
      checkSignatures(entry, (name) => (keys.has(name) ? parseVkey(keys.get(name)) : null));
    } catch (error) {
      // Of a co-signer the phone need not know the key; it is said last, when all else holds.
      if (error.code !== 'unknown-signer') throw error;
    }
    return entry;
  } catch (error) {
    if (error instanceof Refusal) return null; // the log knows only bytes
    throw error;
  }
}

/** The time of the newest built-in round that a draw has used, verified: it has certainly passed (specs/log.md §5). */
export function floorOf(statements) {
  const pulses = statements
    .filter(({ statement }) => statement.type === 'draw')
    .flatMap(({ statement }) => statement.pulses)
    .filter(({ beacon }) => CHAINS.has(beacon))
    .map((pulse) => ({ pulse, chain: CHAINS.get(pulse.beacon) }))
    .map((one) => ({ ...one, time: roundTime(one.chain, one.pulse.round) }))
    .sort((a, b) => b.time - a.time);
  for (const { pulse, chain, time } of pulses) {
    try {
      checkPulse(chain, pulse.round, pulse);
      return time;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return 0;
}
