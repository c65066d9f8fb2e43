/**
 * The phone's keys: such as the browser does not give out, where it can make them; else bytes, under a passphrase if
 * their owner wants one. Whether a browser can is found out by doing it.
 */

import { ed25519 } from '@noble/curves/ed25519.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';

import { sha256hex, toBase64, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { ED25519, parseVkey } from '../core/note.mjs';

const SCRYPT = { N: 2 ** 15, r: 8, p: 3 }; // a second on a laptop, and 32 MB, which an old phone has
const TRIAL = utf8('fairdraw: does this browser sign?');
const KEPT_TRIAL = 'trial';
export const MIN_PASSPHRASE = 8;

/** The text form of a key. */
export function vkeyText(name, type, key) {
  const typed = new Uint8Array([type, ...key]);
  const prefix = utf8(`${name}\n`);
  return `${name}+${sha256hex(new Uint8Array([...prefix, ...typed])).slice(0, 8)}+${toBase64(typed)}`;
}

/**
 * Whether this browser makes keys that it does not give out, and keeps them. Plain http has no WebCrypto, older browsers
 * no Ed25519, and some private windows a store that takes no keys.
 */
export async function canHold(store, subtle = globalThis.crypto?.subtle) {
  try {
    const made = await inBrowser('trial', ED25519, subtle);
    await store.change([KEPT_TRIAL], () => [[KEPT_TRIAL, made.privateKey]]);
    const kept = await store.get(KEPT_TRIAL);
    await store.change([KEPT_TRIAL], () => [[KEPT_TRIAL, null]]);
    await subtle.sign('Ed25519', kept, TRIAL);
    return true;
  } catch {
    return false;
  }
}

/**
 * Make a key. `held` is what to store: `{kind, vkey, …}`, of kind `browser`, `bare` or `sealed`.
 * @param {string} name
 * @param {number} type
 * @param {{passphrase?: ?string, holds: boolean}} how `holds`: by the browser, which takes no passphrase
 */
export async function makeKey(name, type, { passphrase = null, holds }) {
  return holds ? inBrowser(name, type, globalThis.crypto.subtle) : inBytes(name, type, passphrase);
}

async function inBrowser(name, type, subtle) {
  const { privateKey, publicKey } = await subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  const raw = new Uint8Array(await subtle.exportKey('raw', publicKey));
  const signature = new Uint8Array(await subtle.sign('Ed25519', privateKey, TRIAL));
  if (privateKey.extractable || !ed25519.verify(signature, TRIAL, raw)) throw new Error('no Ed25519');
  return { kind: 'browser', vkey: vkeyText(name, type, raw), privateKey };
}

async function inBytes(name, type, passphrase) {
  const seed = randomBytes(32);
  const vkey = vkeyText(name, type, ed25519.getPublicKey(seed));
  if (passphrase === null) return { kind: 'bare', vkey, seed };
  const salt = randomBytes(16);
  return { kind: 'sealed', vkey, salt, sealed: xor(seed, await padOf(passphrase, salt)) };
}

const randomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length));

/** One pad for one seed: the salt is fresh. That it is the right one, the public key tells. */
const padOf = (passphrase, salt) => scryptAsync(utf8(passphrase.normalize('NFC')), salt, { ...SCRYPT, dkLen: 32 });

const xor = (a, b) => a.map((byte, i) => byte ^ b[i]);

/**
 * A held key as somebody who signs: `{vkey, sign}`.
 * @param {?string} passphrase of a sealed key
 */
export async function openKey(held, passphrase = null) {
  const vkey = parseVkey(held.vkey);
  if (held.kind === 'browser') {
    const { subtle } = globalThis.crypto;
    return {
      vkey,
      sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', held.privateKey, message)),
    };
  }
  let { seed } = held;
  if (held.kind === 'sealed') {
    if (passphrase === null) throw new Refusal('key-locked');
    seed = xor(held.sealed, await padOf(passphrase, held.salt));
  }
  if (vkeyText(vkey.name, vkey.type, ed25519.getPublicKey(seed)) !== held.vkey) throw new Refusal('wrong-passphrase');
  return { vkey, sign: async (message) => ed25519.sign(message, seed) };
}
