/** What convicts a log, as a file that needs neither the log nor its finder to be believed (specs/log.md §7). */

import { compareText, toBase64, utf8 } from '../core/encoding.mjs';
import { isLineOf } from '../core/note.mjs';
import { rootOf } from '../core/merkle.mjs';

/** The consistency proof from the first `size` leaves to all of them (RFC 6962 §2.1.2), 0 < size < leaves.length. */
export function consistencyProof(leaves, size) {
  const proof = (part, kept, whole) => {
    if (kept === part.length) return whole ? [] : [rootOf(part)];
    const split = leftOf(part.length);
    const [left, right] = [part.slice(0, split), part.slice(split)];
    if (kept <= split) return [...proof(left, kept, whole), rootOf(right)];
    return [...proof(right, kept - split, false), rootOf(left)];
  };
  return proof(leaves, size, true);
}

/** The largest power of two below a number. */
function leftOf(length) {
  let split = 1;
  while (2 * split < length) split *= 2;
  return split;
}

/** A checkpoint as a note with the log's line alone, which is what everybody can verify. */
export function bareNote({ text, note }, logKey) {
  const line = note.lines.find((one) => isLineOf(logKey, one));
  return noteOf(text, [lineText(logKey, line.signature)]);
}

/** A signed note of a text and its lines. */
export const noteOf = (text, lines) => `${text}\n${lines.join('')}`;

/** A signature line (signed-note). */
export function lineText({ name, keyId }, signature) {
  const bytes = new Uint8Array(4 + signature.length);
  new DataView(bytes.buffer).setUint32(0, parseInt(keyId, 16));
  bytes.set(signature, 4);
  return `— ${name} ${toBase64(bytes)}\n`;
}

/**
 * The file of a fork. `leaves` are those of the larger tree.
 * @param {{size: number, root: Uint8Array, bare: string}[]} two
 */
export function forkFile(two, leaves) {
  const [smaller, larger] = [...two].sort(
    (a, b) => a.size - b.size || compareText(rawOf(a.root), rawOf(b.root)),
  );
  const head = ['fork/v1'];
  if (smaller.size !== 0 && smaller.size !== larger.size) {
    head.push(`root ${toBase64(rootOf(leaves.slice(0, smaller.size)))}`);
    head.push(...consistencyProof(leaves, smaller.size).map(toBase64));
  }
  return utf8(`${head.join('\n')}\n\n${smaller.bare}\n${larger.bare}`);
}

/** Bytes as a string that sorts as they do. */
const rawOf = (bytes) => String.fromCharCode(...bytes);

/** Two checkpoints that a host showed one after the other, the newer first: no proof of a fork, and worth keeping. */
export const backwardsFile = (shown, seen) => utf8(`${shown}\n${seen}`);
