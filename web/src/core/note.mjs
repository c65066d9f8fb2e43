/** Signed notes, keys and signature lines of C2SP signed-note and tlog-cosignature (specs/log.md §1, §2). */

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';

import { fromBase64, sha256hex, text as decode, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { parseTreeHead } from './treehead.mjs';

export const ED25519 = 0x01; // over the text
export const COSIGNATURE = 0x04; // Ed25519 over text and time
export const COSIGNATURE_ML_DSA = 0x06; // ML-DSA-44 over tree head and time

const KEY_LENGTH = new Map([[ED25519, 32], [COSIGNATURE, 32], [COSIGNATURE_ML_DSA, 1312]]);
const SIGNATURE_LENGTH = new Map([[ED25519, 64], [COSIGNATURE, 8 + 64], [COSIGNATURE_ML_DSA, 8 + 2420]]);
const MAX_LINES = 4096; // specs/log.md §3: of a cosigned checkpoint; every other note has fewer
const MAX_TIMESTAMP = 2n ** 63n - 1n;

/** Whether a key may have this name: no Unicode white space, no `+`, which end it in a line and in a vkey. */
export const isKeyName = (name) => name !== '' && !/[\p{White_Space}+]/u.test(name);

// --- notes ---------------------------------------------------------------------------------------------------------

/**
 * The text of a signed note, and its signature lines as they are; whose they are, and whether they verify, is asked
 * by whoever knows keys.
 * @param {Uint8Array} bytes
 * @returns {{text: string, lines: {name: string, keyId: string, signature: Uint8Array}[]}}
 */
export function parseNote(bytes, maxLines = MAX_LINES) {
  const note = decode(bytes);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Refusal('control-character');
  const gap = note.lastIndexOf('\n\n'); // the last one: a text may have empty lines
  if (gap < 0) throw new Refusal('no-signature-block');
  const block = note.slice(gap + 2).split('\n');
  if (block.pop() !== '') throw new Refusal('signature-line');
  if (block.length === 0) throw new Refusal('no-signatures');
  if (block.length > maxLines) throw new Refusal('too-many-signatures', { expected: maxLines, found: block.length });
  return { text: note.slice(0, gap + 1), lines: block.map(parseLine) };
}

function parseLine(line) {
  const [dash, name, base64, ...rest] = line.split(' ');
  if (dash !== '—' || base64 === undefined || rest.length || !isKeyName(name)) throw new Refusal('signature-line');
  const bytes = fromBase64(base64);
  if (bytes.length <= 4) throw new Refusal('signature-empty', { name });
  return { name, keyId: hexOfKeyId(bytes), signature: bytes.subarray(4) };
}

const hexOfKeyId = (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0).toString(16).padStart(8, '0');

// --- keys ----------------------------------------------------------------------------------------------------------

/**
 * A key in its text form `<name>+<key id>+<base64 of type and key>` (signed-note), the key ID computed again.
 * @returns {{name: string, type: number, keyId: string, key: Uint8Array, vkey: string}}
 */
export function parseVkey(vkey) {
  const [, name, keyId, base64] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(vkey) ?? [];
  if (name === undefined || !isKeyName(name)) throw new Refusal('key-format');
  const typed = fromBase64(base64);
  const [type] = typed;
  const key = typed.slice(1);
  if (!KEY_LENGTH.has(type)) throw new Refusal('unknown-algorithm', { found: type });
  if (key.length !== KEY_LENGTH.get(type)) throw new Refusal('public-key-length');
  if (type !== COSIGNATURE_ML_DSA && !isUsable(key)) throw new Refusal('key-format');
  if (keyIdOf(name, typed) !== keyId) throw new Refusal('key-id-mismatch', { name });
  return { name, type, keyId, key, vkey };
}

/** The first four bytes of SHA-256(name ‖ 0A ‖ type ‖ public key). */
function keyIdOf(name, typed) {
  const prefix = utf8(`${name}\n`);
  const data = new Uint8Array(prefix.length + typed.length);
  data.set(prefix);
  data.set(typed, prefix.length);
  return sha256hex(data).slice(0, 8);
}

export const isLineOf = (vkey, line) => line.name === vkey.name && line.keyId === vkey.keyId;

// --- signatures ----------------------------------------------------------------------------------------------------

/** Whether a line's signature, without its key ID, is this key's over the text of the note. */
export function verifyLine(vkey, text, signature) {
  if (signature.length !== SIGNATURE_LENGTH.get(vkey.type)) return false;
  if (vkey.type === ED25519) return verifyEd25519(vkey.key, utf8(text), signature);
  const time = timestampOf(signature);
  if (time > MAX_TIMESTAMP) return false;
  const rest = signature.subarray(8);
  if (vkey.type === COSIGNATURE) {
    return verifyEd25519(vkey.key, utf8(`cosignature/v1\ntime ${time}\n${text}`), rest);
  }
  const message = mlDsaMessage(vkey.name, time, text);
  return message !== null && ml_dsa44.verify(rest, message, vkey.key);
}

const timestampOf = (signature) => new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);

/** The POSIX time in a cosignature; one above 2^53 is not exact, and later than any time that counts. */
export const cosignatureTime = (signature) => Number(timestampOf(signature));

/** What a type 0x06 cosignature signs (tlog-cosignature): a whole tree is the subtree from 0 to its size. */
function mlDsaMessage(cosigner, time, text) {
  let head;
  try {
    head = parseTreeHead(text);
  } catch {
    return null;
  }
  const name = utf8(cosigner);
  const origin = utf8(head.origin);
  if (name.length > 255) return null;
  const message = new Uint8Array(12 + 1 + name.length + 8 + 1 + origin.length + 8 + 8 + 32);
  const view = new DataView(message.buffer);
  let at = 0;
  const put = (bytes) => {
    message.set(bytes, at);
    at += bytes.length;
  };
  const put64 = (number) => {
    view.setBigUint64(at, number);
    at += 8;
  };
  put(utf8('subtree/v1\n\0'));
  put([name.length]);
  put(name);
  put64(time);
  put([origin.length]);
  put(origin);
  put64(0n);
  put64(BigInt(head.size));
  put(head.root);
  return message;
}

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/**
 * RFC 8032 §5.1.7 without the cofactor: S below the order, and R, byte for byte, the encoding of [S]B - [k]A. With the
 * cofactor a signer could make a signature that some verifiers take and others refuse (specs/log.md §2).
 */
function verifyEd25519(key, message, signature) {
  const R = signature.subarray(0, 32);
  const S = littleEndian(signature.subarray(32));
  if (S >= ORDER) return false;
  let A;
  try {
    A = Point.fromBytes(key);
  } catch {
    return false;
  }
  const k = littleEndian(sha512.create().update(R).update(key).update(message).digest()) % ORDER;
  const found = Point.BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(k)).toBytes();
  return found.every((byte, i) => byte === R[i]);
}

function littleEndian(bytes) {
  let number = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[i]);
  return number;
}

const PRIME = Point.Fp.ORDER;
const EIGHTH = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
// The y of the points whose order divides 8: under such a key anybody can sign, and one signature fits many texts.
const SMALL_ORDER = new Set([0n, 1n, PRIME - 1n, EIGHTH, PRIME - EIGHTH]);

/** Whether an Ed25519 key is in its one spelling and not of small order. */
function isUsable(key) {
  const y = littleEndian(key) & ((1n << 255n) - 1n);
  return y < PRIME && !SMALL_ORDER.has(y);
}
