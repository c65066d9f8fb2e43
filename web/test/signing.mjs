/** Keys and signatures for tests: the other side of what the core verifies. */

import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';

import { fromBase64, sha256, sha256hex, toBase64, utf8 } from '../src/core/encoding.mjs';
import { COSIGNATURE_ML_DSA, ED25519, parseVkey } from '../src/core/note.mjs';

export const join = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));

/** The text form of a key, whatever its bytes. */
export function vkeyOf(name, type, key) {
  const typed = join([type], key);
  return `${name}+${sha256hex(join(utf8(`${name}\n`), typed)).slice(0, 8)}+${toBase64(typed)}`;
}

/** Somebody who signs notes; the secret is made of the name, so that a test is the same on every run. */
export function signer(name, type = ED25519) {
  const secret = sha256(utf8(`secret of ${name}, type ${type}`));
  const pair = type === COSIGNATURE_ML_DSA ? ml_dsa44.keygen(secret) : null;
  const vkey = parseVkey(vkeyOf(name, type, pair?.publicKey ?? ed25519.getPublicKey(secret)));
  const sign = (text, time) => {
    if (type === ED25519) return ed25519.sign(utf8(text), secret);
    if (pair) return join(u64(time), ml_dsa44.sign(subtree(name, time, text), pair.secretKey));
    return join(u64(time), ed25519.sign(utf8(`cosignature/v1\ntime ${time}\n${text}`), secret));
  };
  return { name, vkey, sign, line: (text, time) => lineOf(vkey, sign(text, time)) };
}

export const lineOf = ({ name, keyId }, signature) =>
  `— ${name} ${toBase64(join(Buffer.from(keyId, 'hex'), signature))}\n`;

export function u64(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

/** What a type 0x06 cosignature signs, as tlog-cosignature lists it. */
function subtree(name, time, text) {
  const [origin, size, root] = text.split('\n');
  const short = (string) => join([utf8(string).length], utf8(string));
  return join(utf8('subtree/v1\n\0'), short(name), u64(time), short(origin), u64(0), u64(size), fromBase64(root));
}

export const headText = (origin, size, root) => `${origin}\n${size}\n${toBase64(root)}\n`;
export const noteOf = (text, ...lines) => utf8(`${text}\n${lines.join('')}`);
