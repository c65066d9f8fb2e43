/**
 * Rounds of drand chains: when they are due, and whether a pulse is genuine (specs/beacon.md §2 to §5, §7).
 *
 * A chain is `{id, hash, key, scheme, period, genesis, groupHash}`, hashes and points in lower-case hex. Nothing of it
 * is ever taken from a bundle, a log or a relay: the hash does not cover the scheme.
 */

import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromHex, sha256, sha256hex, toHex, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { NIST_SCHEME, checkNistChain } from './nist.mjs';

/** The last second that a time can be written for, 9999-12-31T23:59:59Z (specs/verification.md §3, check 10). */
export const LAST_TIME = 253402300799;

/** The beacon id of public events (specs/events.md §1), which no chain may have. */
export const EVENTS_ID = 'events';

const TAG_G1 = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
const TAG_G2 = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_';
const G1 = { bytes: 48, ...bls12_381.G1 };
const G2 = { bytes: 96, ...bls12_381.G2 };

/** specs/beacon.md §4, a line each: the groups of signature and key, the tag, and whether rounds are chained. */
const SCHEMES = new Map([
  ['pedersen-bls-chained', { signature: G2, key: G1, tag: TAG_G2, chained: true }],
  ['pedersen-bls-unchained', { signature: G2, key: G1, tag: TAG_G2, chained: false }],
  ['bls-unchained-g1-rfc9380', { signature: G1, key: G2, tag: TAG_G1, chained: false }],
  // The tag of the other group was a slip of drand's, and stays.
  ['bls-unchained-on-g1', { signature: G1, key: G2, tag: TAG_G2, chained: false }],
]);

/** The built-in chains (specs/beacon.md §2). */
export const CHAINS = new Map(
  [
    {
      id: 'quicknet',
      hash: '52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971',
      key:
        '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c' +
        '8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb' +
        '5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
      scheme: 'bls-unchained-g1-rfc9380',
      period: 3,
      genesis: 1692803367,
      groupHash: 'f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e',
    },
    {
      id: 'default',
      hash: '8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce',
      key: '868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31',
      scheme: 'pedersen-bls-chained',
      period: 30,
      genesis: 1595431050,
      groupHash: '176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a',
    },
    {
      id: 'fastnet',
      hash: 'dbd506d6ef76e5f386f41c651dcb808c5bcbd75471cc4eafa3f4df7ad4e4c493',
      key:
        'a0b862a7527fee3a731bcb59280ab6abd62d5c0b6ea03dc4ddf6612fdfc9d01f' +
        '01c31542541771903475eb1ec6615f8d0df0b8b6dce385811d6dcf8cbefb8759' +
        'e5e616a3dfd054c928940766d9a5b9db91e3b697e5d70a975181e007f87fca5e',
      scheme: 'bls-unchained-on-g1',
      period: 3,
      genesis: 1677685200,
      groupHash: 'a81e9d63f614ccdb144b8ff79fbd4d5a2d22055c0bfe4ee9a8092003dab1c6c0',
    },
  ].map((chain) => [chain.id, Object.freeze(chain)]),
);

/** Built-in chains whose old pulses can be checked and of which no new round may be announced (specs/beacon.md §2). */
export const RETIRED = new Set(['fastnet']);

const PRACTICE_SCHEME = 'bls-unchained-g1-rfc9380';
const PRACTICE_PERIOD = 3;
const PRACTICE_GROUP_HASH = '00'.repeat(32);
const MAX_PERIOD = 2 ** 32 - 1;

/**
 * The chain of a `beacon` line of a trust file (specs/trust.md §3), its constants checked together.
 *
 * @param {{id: string, hash: string, key: string, scheme: string, period: number, genesis: number}} line
 * @param {{rehearsal?: boolean}} [options] a practice chain proves nothing, and is for rehearsals only
 */
export function chainOf(line, { rehearsal = false } = {}) {
  const { id, hash, key, scheme, period, genesis } = line;
  if (id === EVENTS_ID) throw new Refusal('reserved-name', { found: id });
  if (!/^[a-z0-9][a-z0-9._-]{0,39}$/.test(id)) throw new Refusal('chain-id', { found: id });
  const known = CHAINS.get(id) ?? [...CHAINS.values()].find((chain) => chain.hash === hash);
  if (known) {
    // Else another scheme, or another period, would stand behind the name and hash that everybody knows.
    for (const constant of ['id', 'hash', 'key', 'scheme', 'period', 'genesis']) {
      if (known[constant] !== line[constant]) {
        throw new Refusal('chain-not-pinned', { expected: known[constant], found: line[constant] });
      }
    }
    return known;
  }
  if (scheme === NIST_SCHEME) return checkNistChain({ id, hash, key, scheme, period, genesis });
  if (scheme !== PRACTICE_SCHEME || period !== PRACTICE_PERIOD)
    throw new Refusal('not-a-practice-chain', { found: id });
  if (!rehearsal) throw new Refusal('practice-chain', { found: id });
  const chain = Object.freeze({ id, hash, key, scheme, period, genesis, groupHash: PRACTICE_GROUP_HASH });
  checkChain(chain);
  return chain;
}

/** Whether one person holds the key of this chain (specs/beacon.md §7). */
export const isPractice = (chain) => chain.groupHash === PRACTICE_GROUP_HASH;

/** Whether this chain's pulses are documents of the NIST format (specs/beacon.md §10). */
export const isNist = (chain) => chain.scheme === NIST_SCHEME;

/** Refuse constants that are not a chain's, or a key that is none (specs/beacon.md §2). */
export function checkChain(chain) {
  const scheme = schemeOf(chain);
  if (!Number.isSafeInteger(chain.period) || chain.period < 1 || chain.period > MAX_PERIOD) {
    throw new Refusal('chain-period', { found: chain.period });
  }
  if (!Number.isSafeInteger(chain.genesis) || chain.genesis < 0) {
    throw new Refusal('chain-genesis', { found: chain.genesis });
  }
  const key = fixedHex('key', chain.key, scheme.key.bytes, 'key-length');
  const groupHash = fixedHex('group_hash', chain.groupHash, 32, 'group-hash-length');
  if (chainHash({ ...chain, key, groupHash }) !== chain.hash)
    throw new Refusal('wrong-chain-hash', { found: chain.hash });
  // Under the identity as key, the identity as signature would verify for every round.
  readPoint('key', scheme.key, key);
}

/** SHA-256( u32be(period) ‖ i64be(genesis) ‖ key ‖ group hash ‖ id ), specs/beacon.md §2. */
function chainHash({ id, period, genesis, key, groupHash }) {
  const head = new Uint8Array(12);
  const view = new DataView(head.buffer);
  view.setUint32(0, period);
  view.setBigInt64(4, BigInt(genesis));
  return sha256hex(concatBytes(head, key, groupHash, utf8(id === 'default' ? '' : id)));
}

/**
 * When a round is due, in POSIX seconds (specs/beacon.md §3; for events specs/events.md §1). A time beyond 2^53 is
 * rounded, and is in any case after LAST_TIME.
 */
export const roundTime = (chain, round) => chain.genesis + (round - 1) * chain.period;

/** What stands for a chain where the source is events: its rounds are the minutes since 1970 (specs/events.md §1). */
export const EVENTS = Object.freeze({ id: EVENTS_ID, period: 60, genesis: 60 });

/**
 * Refuse a pulse that the chain did not publish for the round; return its randomness in hex (specs/beacon.md §5).
 *
 * @param {object} chain one that `chainOf` or CHAINS gave
 * @param {number} round the announced one
 * @param {{beacon: string, round: number, signature: string, previous: string|null}} pulse as in statements
 */
export function checkPulse(chain, round, pulse) {
  const scheme = schemeOf(chain);
  if (pulse.beacon !== chain.id) throw new Refusal('wrong-chain', { expected: chain.id, found: pulse.beacon });
  if (pulse.round !== round) throw new Refusal('wrong-round', { expected: round, found: pulse.round });
  const signature = fixedHex('signature', pulse.signature, scheme.signature.bytes, 'signature-length');
  const previous = previousOf(chain, scheme, round, pulse.previous ?? null);
  const point = readPoint('signature', scheme.signature, signature);
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(round));
  const message = sha256(concatBytes(previous, number));
  if (!verifies(scheme, point, readPoint('key', scheme.key, fromHex(chain.key)), message)) {
    throw new Refusal('signature-invalid', { found: round });
  }
  return sha256hex(signature);
}

/** The pairing equation of specs/beacon.md §4, on either side. */
function verifies(scheme, signature, key, message) {
  const hashed = scheme.signature.hashToCurve(message, { DST: scheme.tag });
  const pairs =
    scheme.signature === G1
      ? [
          { g1: signature, g2: G2.Point.BASE.negate() },
          { g1: hashed, g2: key },
        ]
      : [
          { g1: G1.Point.BASE.negate(), g2: signature },
          { g1: key, g2: hashed },
        ];
  const { Fp12 } = bls12_381.fields;
  return Fp12.eql(bls12_381.pairingBatch(pairs), Fp12.ONE);
}

/** What is signed before the round number: nothing on an unchained chain (specs/beacon.md §4). */
function previousOf(chain, scheme, round, previous) {
  if (!scheme.chained) {
    if (previous !== null) throw new Refusal('previous-unexpected', { found: previous });
    return new Uint8Array(0);
  }
  if (previous === null) throw new Refusal('previous-missing');
  return fixedHex('previous_signature', previous, round === 1 ? 32 : scheme.signature.bytes, 'previous-length');
}

function schemeOf(chain) {
  const scheme = SCHEMES.get(chain.scheme);
  if (!scheme) throw new Refusal('unsupported-scheme', { found: chain.scheme });
  return scheme;
}

/**
 * A point in its one spelling, of the subgroup, and not the identity (specs/beacon.md §5, item 4). All four are tested
 * whatever the library tests by itself: a point outside of the subgroup has several signatures that verify.
 */
function readPoint(field, group, bytes) {
  // Some libraries read whatever begins so as the identity, and others refuse it: all give one reason.
  const identity = bytes[0] === 0xc0 && bytes.every((byte, at) => at === 0 || byte === 0);
  if (bytes[0] >= 0xc0 && !identity) throw new Refusal('not-canonical', { field });
  let point;
  try {
    point = group.Point.fromBytes(bytes);
    if (!point.is0()) point.assertValidity();
  } catch {
    throw new Refusal('not-a-point', { field });
  }
  if (!point.is0() && !point.isTorsionFree()) throw new Refusal('not-a-point', { field });
  if (toHex(point.toBytes(true)) !== toHex(bytes)) throw new Refusal('not-canonical', { field });
  if (point.is0()) throw new Refusal('identity-point', { field });
  return point;
}

function fixedHex(field, hex, length, code) {
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) throw new Refusal('not-hex', { field });
  if (hex.length !== 2 * length) throw new Refusal(code, { expected: length, found: hex.length / 2 });
  return fromHex(hex);
}
