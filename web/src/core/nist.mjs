/**
 * Pulses of the NIST beacon and of others of its format 2.0 (specs/beacon.md §10).
 *
 * A pulse is a document under a certificate; both are artifacts, and the reader's own trust file pins the certificate.
 * The operator knows each value first, so these are never the only source (`randomness.mjs`).
 */

import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { readCertificate } from './der.mjs';
import { fromHex, parse, parseTime, sha256hex, toHex, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';

export const NIST_SCHEME = 'nist-2.0';

const PERIOD = 60;
const MAX_DOCUMENT_BYTES = 16384;
const MIN_KEY_BITS = 2048;
const CIPHER_SHA512_RSA = 0;
const PERIOD_MILLISECONDS = 60000;

/** What stands before the hash in an RSASSA-PKCS1-v1_5 signature with SHA-512 (RFC 8017 §9.2, note 1). */
const DIGEST_INFO = fromHex('3051300d060960864801650304020305000440');

/** Refuse constants that are not those of a NIST-format chain (specs/beacon.md §10.1); return the chain. */
export function checkNistChain({ id, hash, key, scheme, period, genesis }) {
  const wellFormed = /^[0-9a-f]{64}$/.test(hash) && /^[0-9a-f]{144}$/.test(key);
  if (scheme !== NIST_SCHEME || period !== PERIOD || genesis !== PERIOD || !wellFormed) {
    throw new Refusal('not-a-nist-chain', { found: id });
  }
  if (BigInt(`0x${key.slice(128)}`) > Number.MAX_SAFE_INTEGER) throw new Refusal('chain-index', { found: id });
  return Object.freeze({ id, hash, key, scheme, period, genesis });
}

/** The constants of the chain of this number under this certificate, as a trust file has them. */
export const nistChain = (id, certificate, chainIndex) =>
  checkNistChain({
    id,
    hash: sha256hex(certificate),
    key: toHex(concatBytes(sha512(certificate), u64be(chainIndex))),
    scheme: NIST_SCHEME,
    period: PERIOD,
    genesis: PERIOD,
  });

/**
 * Refuse a pulse document that is not the genuine one of the announced minute; return its randomness in hex
 * (specs/beacon.md §10.3).
 */
export function checkDocument(chain, round, { document, certificate }) {
  const pulse = readDocument(document);
  const found = sha256hex(certificate);
  const digest = toHex(sha512(certificate));
  if (found !== chain.hash || digest !== chain.key.slice(0, 128)) {
    throw new Refusal('wrong-certificate', { expected: chain.hash, found });
  }
  const { notBefore, notAfter, modulus, exponent } = readCertificate(certificate);
  if (modulus.toString(2).length < MIN_KEY_BITS) throw new Refusal('bad-certificate');
  if (pulse.certificate_id !== digest) {
    throw new Refusal('wrong-certificate', { expected: digest, found: pulse.certificate_id });
  }
  if (BigInt(pulse.chain_index) !== BigInt(`0x${chain.key.slice(128)}`)) {
    throw new Refusal('wrong-chain', {
      expected: Number(BigInt(`0x${chain.key.slice(128)}`)),
      found: pulse.chain_index,
    });
  }
  if (pulse.cipher_suite !== CIPHER_SHA512_RSA || pulse.period !== PERIOD_MILLISECONDS) {
    throw new Refusal('unsupported-scheme', { found: pulse.cipher_suite });
  }
  const time = minuteOf(pulse.time_stamp);
  if (time !== round * PERIOD) throw new Refusal('wrong-round', { expected: round, found: time / PERIOD });
  if (pulse.status_code !== 0) throw new Refusal('pulse-status', { found: pulse.status_code });
  if (time < notBefore || time > notAfter) throw new Refusal('certificate-expired', { found: pulse.time_stamp });
  const message = signedBytes(pulse);
  const signature = fromHex(pulse.signature_value);
  if (!verifies({ modulus, exponent }, message, signature)) throw new Refusal('signature-invalid', { found: round });
  const output = toHex(sha512(concatBytes(message, signature)));
  if (output !== pulse.output_value) throw new Refusal('wrong-output', { expected: output, found: pulse.output_value });
  return sha256hex(fromHex(output));
}

// --- the document (§10.1) ---

const is = (pattern) => (value) => typeof value === 'string' && pattern.test(value);
const text200 = is(/^[\x20-\x7e]{1,200}$/);
const hash64 = is(/^[0-9a-f]{128}$/);
const upTo = (most) => (value) => Number.isSafeInteger(value) && value >= 0 && value <= most;
const u32 = upTo(2 ** 32 - 1);
const count = upTo(Number.MAX_SAFE_INTEGER);

const EXTERNAL = new Map([
  ['source_id', hash64],
  ['status_code', u32],
  ['value', hash64],
]);

const DOCUMENT = new Map([
  ['v', (value) => value === 0],
  ['type', (value) => value === 'nist-pulse'],
  ['uri', text200],
  ['version', text200],
  ['time_stamp', text200],
  ['cipher_suite', u32],
  ['period', u32],
  ['status_code', u32],
  ['chain_index', count],
  ['pulse_index', count],
  ['certificate_id', hash64],
  ['local_random_value', hash64],
  ['precommitment_value', hash64],
  ['output_value', hash64],
  ['external', (value) => fits(EXTERNAL, value)],
  ['previous', hash64],
  ['hour', hash64],
  ['day', hash64],
  ['month', hash64],
  ['year', hash64],
  ['signature_value', is(/^(?:[0-9a-f]{2}){256,1024}$/)],
]);

const fits = (fields, value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length === fields.size &&
  [...fields].every(([name, holds]) => name in value && holds(value[name]));

function readDocument(bytes) {
  const bad = new Refusal('bad-pulse-document');
  if (bytes.length > MAX_DOCUMENT_BYTES || bytes[bytes.length - 1] !== 0x0a) throw bad;
  let value;
  try {
    value = parse(bytes.subarray(0, -1));
  } catch {
    throw bad;
  }
  if (Array.isArray(value) || !fits(DOCUMENT, value)) throw bad;
  return value;
}

/** The POSIX time of `YYYY-MM-DDThh:mm:00.000Z`, which is a whole minute. */
function minuteOf(stamp) {
  const parts = /^(.{16}:00)\.000Z$/.exec(stamp);
  try {
    return parseTime(`${parts[1]}Z`);
  } catch {
    throw new Refusal('pulse-time', { found: stamp });
  }
}

// --- what is signed (§10.2), and by whom ---

/** M: lengths of 4 bytes stand before texts and hashes, which the drafts of the format have otherwise. */
function signedBytes(pulse) {
  const { external } = pulse;
  const lp = (bytes) => concatBytes(u32be(bytes.length), bytes);
  const text = (name) => lp(utf8(pulse[name]));
  const hash = (name) => lp(fromHex(pulse[name]));
  return concatBytes(
    text('uri'),
    text('version'),
    u32be(pulse.cipher_suite),
    u32be(pulse.period),
    hash('certificate_id'),
    u64be(pulse.chain_index),
    u64be(pulse.pulse_index),
    text('time_stamp'),
    hash('local_random_value'),
    lp(fromHex(external.source_id)),
    u32be(external.status_code),
    lp(fromHex(external.value)),
    hash('previous'),
    hash('hour'),
    hash('day'),
    hash('month'),
    hash('year'),
    hash('precommitment_value'),
    u32be(pulse.status_code),
  );
}

/**
 * RSASSA-PKCS1-v1_5 with SHA-512 (RFC 8017 §8.2.2): encode, and compare the whole encoding. Parsing what comes out of
 * the exponentiation instead is how forgeries under small exponents were accepted.
 */
function verifies({ modulus, exponent }, message, signature) {
  const length = Math.ceil(modulus.toString(2).length / 8);
  const s = BigInt(`0x${toHex(signature)}`);
  if (signature.length !== length || s >= modulus) return false;
  const hash = sha512(message);
  const padding = new Uint8Array(length - 3 - DIGEST_INFO.length - hash.length).fill(0xff);
  const encoded = concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), DIGEST_INFO, hash);
  return power(s, exponent, modulus) === BigInt(`0x${toHex(encoded)}`);
}

function power(base, exponent, modulus) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

function u32be(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function u64be(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}
