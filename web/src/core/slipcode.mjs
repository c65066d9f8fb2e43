/** A slip in codes on paper, read back to the bytes of its file (specs/slip.md §6). */

import { sha256, toBase64, toHex } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { inflate } from './inflate.mjs';

const PART = /^z=([1-9])([1-9])([0-9]{5})([0-9]+)$/;
const MAX_DIGITS = 65_536;
const MAX_TEXT = 65_536;
const MAX_FILE = 262_144;
const MAX_NESTED = 4;
const GROUP_DIGITS = 17;
const BYTES_OF_DIGITS = new Map([
  [3, 1],
  [5, 2],
  [8, 3],
  [10, 4],
  [13, 5],
  [15, 6],
  [17, 7],
]);

const bad = (reason) => new Refusal('bad-slip-code', { reason });

/** One part as a code has it, from `z=` on: `{k, n, tag, digits}`. */
export function readPart(text) {
  const [, k, n, tag, digits] = PART.exec(text) ?? [];
  if (!tag || Number(k) > Number(n)) throw bad('part');
  if (digits.length > MAX_DIGITS) throw bad('too-large');
  return { k: Number(k), n: Number(n), tag, digits };
}

/** The slip's file from all of its parts, in any order. */
export function readParts(parts) {
  if (!parts.length) throw bad('part');
  const [{ n, tag }] = parts;
  const byPlace = new Map(parts.map((part) => [part.k, part]));
  if (parts.some((part) => part.n !== n || part.tag !== tag) || byPlace.size !== n || parts.length !== n)
    throw bad('part');
  let digits = '';
  for (let k = 1; k <= n; k++) digits += byPlace.get(k).digits;
  const packed = bytesOf(digits);
  const [high, low] = sha256(packed);
  if (String(256 * high + low).padStart(5, '0') !== tag) throw bad('tag');
  return fileOf(inflate(packed, MAX_TEXT));
}

/** Digits -> bytes: 17 digits are 7 bytes, big-endian; a last group may be shorter. */
function bytesOf(digits) {
  if (digits.length > MAX_DIGITS) throw bad('too-large');
  const bytes = [];
  for (let at = 0; at < digits.length; at += GROUP_DIGITS) {
    const group = digits.slice(at, at + GROUP_DIGITS);
    const count = BYTES_OF_DIGITS.get(group.length);
    let value = BigInt(group);
    if (!count || value >> BigInt(8 * count)) throw bad('digits');
    for (let place = count - 1; place >= 0; place--) bytes.push(Number((value >> BigInt(8 * place)) & 255n));
  }
  return Uint8Array.from(bytes);
}

/** Packed text -> file: bytes that stand for hex (01), for base64 (02), and texts within texts in base64 (03 … 04). */
function fileOf(packed) {
  let at = 0;
  const counted = () => {
    const length = packed[at++];
    if (!length || at + length > packed.length) throw bad('text');
    return packed.subarray(at, (at += length));
  };
  const unpack = (depth) => {
    const out = [];
    const say = (ascii) => {
      for (let i = 0; i < ascii.length; i++) out.push(ascii.charCodeAt(i));
    };
    while (at < packed.length) {
      const byte = packed[at++];
      if (byte === 0) throw bad('text');
      else if (byte === 1) say(toHex(counted()));
      else if (byte === 2) say(toBase64(counted()));
      else if (byte === 3) {
        if (depth === MAX_NESTED) throw bad('text');
        say(toBase64(unpack(depth + 1)));
      } else if (byte === 4) {
        if (!depth) throw bad('text');
        return Uint8Array.from(out);
      } else out.push(byte);
      if (out.length > MAX_FILE) throw bad('too-large');
    }
    if (depth) throw bad('text');
    return Uint8Array.from(out);
  };
  return unpack(0);
}
