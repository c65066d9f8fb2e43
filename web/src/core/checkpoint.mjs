/** Checkpoints, the witnesses' lines in them, and inclusion proofs in files (specs/log.md §1, §2). */

import { fromBase64, text, toHex } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { cosignatureTime, isLineOf, parseNote, verifyLine } from './note.mjs';
import { parseSize, parseTreeHead } from './treehead.mjs';

const PROOF_HEADER = 'c2sp.org/tlog-proof@v1';
const LF = 0x0a;
const MAX_HASHES = 63; // a tree has less than 2^63 leaves

/**
 * A checkpoint that one of these keys signed, under the origin that is the key's name.
 * @param {Uint8Array} bytes
 * @param {object[]} logKeys vkeys
 * @returns {{origin: string, size: number, root: Uint8Array, text: string, note: object}}
 */
export function openCheckpoint(bytes, logKeys) {
  const note = openNote(bytes, logKeys);
  const head = parseTreeHead(note.text);
  checkOrigin(note, head);
  return { ...head, text: note.text, note };
}

/** A note that one of these keys signed; a line of any of them that does not verify refuses the whole note. */
export function openNote(bytes, keys) {
  const note = parseNote(bytes);
  const signers = keys.filter((key) => verifyLines(note, key, 'signature-invalid').length > 0);
  if (signers.length === 0) throw new Refusal('no-known-signature');
  return { ...note, signers };
}

/** A log signs under its own name alone. */
export function checkOrigin({ signers }, { origin }) {
  if (!signers.some(({ name }) => name === origin)) {
    throw new Refusal('origin-mismatch', { expected: signers[0].name, found: origin });
  }
}

/** The lines of a key, all of which verify. */
function verifyLines({ text: signed, lines }, key, code) {
  // A line that is said a thousand times says no more than once, and shall not cost more.
  const own = [...new Map(lines.filter((line) => isLineOf(key, line)).map((line) => [toHex(line.signature), line])).values()];
  for (const { signature } of own) {
    if (!verifyLine(key, signed, signature)) throw new Refusal(code, { name: key.name, key_id: key.keyId });
  }
  return own;
}

/**
 * What the witnesses say in a checkpoint, each line with its time; an invalid line of a known key refuses it.
 * @param {{note: object}} checkpoint
 * @param {{name: string, vkey: object}[]} witnesses
 * @returns {{witness: object, time: number}[]}
 */
export function cosignatures({ note }, witnesses) {
  return witnesses.flatMap((witness) =>
    verifyLines(note, witness.vkey, 'cosignature-invalid').map(({ signature }) => ({
      witness,
      time: cosignatureTime(signature),
    })),
  );
}

/**
 * A tlog-proof: where an entry stands in a tree, and the tree's checkpoint as it is. Nothing in it is verified yet.
 * @returns {{index: number, hashes: Uint8Array[], checkpoint: Uint8Array, extra: ?Uint8Array}}
 */
export function parseProof(bytes) {
  const gap = bytes.findIndex((byte, i) => byte === LF && bytes[i + 1] === LF);
  if (gap < 0) throw new Refusal('format');
  const [header, ...lines] = text(bytes.subarray(0, gap)).split('\n');
  if (header !== PROOF_HEADER) throw new Refusal('header', { expected: PROOF_HEADER, found: header });
  let extra = null;
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64(lines.shift().slice('extra '.length));
    if (extra.length === 0) throw new Refusal('extra-empty');
  }
  const [index, ...hashes] = lines;
  if (!index?.startsWith('index ')) throw new Refusal('index');
  if (hashes.length > MAX_HASHES) throw new Refusal('proof-length', { expected: MAX_HASHES, found: hashes.length });
  return {
    index: parseSize(index.slice('index '.length)),
    hashes: hashes.map(parseHash),
    checkpoint: bytes.subarray(gap + 2),
    extra,
  };
}

export function parseHash(base64) {
  const hash = fromBase64(base64);
  if (hash.length !== 32) throw new Refusal('hash-length');
  return hash;
}
