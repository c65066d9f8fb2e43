/** A log's last word, and the file that convicts a log of two histories (specs/log.md §6, §7). */

import { checkOrigin, openNote, parseHash } from './checkpoint.mjs';
import { text, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { checkConsistency, EMPTY_ROOT, sameHash } from './merkle.mjs';
import { parseTreeHead } from './treehead.mjs';

const FROZEN = 'frozen/v1\n';
const FORK = 'fork/v1';
const MAX_FORK = 65536; // bytes

/**
 * Where a log ended, by its own key.
 * @returns {{origin: string, size: number, root: Uint8Array}}
 */
export function openFrozen(bytes, logKeys) {
  const note = openNote(bytes, logKeys);
  if (!note.text.startsWith(FROZEN)) throw new Refusal('not-frozen');
  const head = parseTreeHead(note.text.slice(FROZEN.length));
  checkOrigin(note, head);
  return head;
}

/**
 * Evidence that convicts a log's key: two checkpoints of it that are not of one history. Other files are refused.
 * @param {Uint8Array} bytes
 * @param {object} vkey the key that is accused, from the reader's own trust file
 * @returns {{origin: string, sizes: [number, number], checkpoints: [object, object]}}
 */
export function readFork(bytes, vkey) {
  if (bytes.length > MAX_FORK) throw new Refusal('evidence-length', { expected: MAX_FORK, found: bytes.length });
  const [head, ...parts] = text(bytes).split('\n\n');
  const [header, rootLine, ...hashes] = head.split('\n');
  if (header !== FORK || parts.length !== 4) throw new Refusal('evidence-format');
  const small = openSingle(parts[0], `${parts[1]}\n`, vkey);
  const large = openSingle(parts[2], parts[3], vkey);
  checkOrder(small, large);
  const claimed = claimedRoot(small, large, rootLine, hashes);
  if (sameHash(claimed, small.root)) throw new Refusal('not-a-fork');
  return { origin: small.origin, sizes: [small.size, large.size], checkpoints: [small, large] };
}

function openSingle(head, signature, vkey) {
  if (signature.slice(0, -1).includes('\n')) throw new Refusal('evidence-signatures');
  const note = openNote(utf8(`${head}\n\n${signature}`), [vkey]);
  const tree = parseTreeHead(note.text);
  checkOrigin(note, tree);
  return tree;
}

/** The smaller tree stands first, so that a fork has one spelling. */
function checkOrder(small, large) {
  if (small.size > large.size) throw new Refusal('evidence-order');
  if (small.size < large.size) return;
  const at = small.root.findIndex((byte, i) => byte !== large.root[i]);
  if (at >= 0 && small.root[at] > large.root[at]) throw new Refusal('evidence-order');
}

/** The root that the smaller tree would have, were it the beginning of the larger one. */
function claimedRoot(small, large, rootLine, hashes) {
  const needsProof = small.size !== 0 && small.size !== large.size;
  if ((rootLine !== undefined) !== needsProof) throw new Refusal('evidence-format');
  if (!needsProof) return small.size === large.size ? large.root : EMPTY_ROOT;
  if (!rootLine.startsWith('root ')) throw new Refusal('evidence-format');
  const root1 = parseHash(rootLine.slice('root '.length));
  const proof = hashes.map(parseHash);
  checkConsistency({ size1: small.size, root1, size2: large.size, root2: large.root, proof });
  return root1;
}
