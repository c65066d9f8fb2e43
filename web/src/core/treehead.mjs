/** The text of a tree head: origin, size, root, and no further line (tlog-checkpoint, specs/log.md §2). */

import { fromBase64, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';

const MAX_ORIGIN = 255; // bytes: the length of an origin in an ML-DSA cosignature is one byte

/** `{origin, size, root}` of a checkpoint's text. */
export function parseTreeHead(text) {
  const [origin, size, root, ...rest] = text.split('\n');
  if (root === undefined || rest.length === 0) throw new Refusal('lines');
  if (rest.join('\n') !== '') throw new Refusal('extension-line');
  return { origin: parseOrigin(origin), size: parseSize(size), root: parseRoot(root) };
}

function parseOrigin(origin) {
  if (origin === '' || /[\p{White_Space}+]/u.test(origin)) throw new Refusal('origin-mismatch');
  if (utf8(origin).length > MAX_ORIGIN) throw new Refusal('origin-length');
  return origin;
}

/** A number in decimal without leading zeros, below 2^53. */
export function parseSize(decimal) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(decimal)) throw new Refusal('size-not-decimal');
  const size = Number(decimal);
  if (!Number.isSafeInteger(size)) throw new Refusal('size-out-of-range');
  return size;
}

export function parseRoot(base64) {
  const root = fromBase64(base64);
  if (root.length !== 32) throw new Refusal('root-length');
  return root;
}
