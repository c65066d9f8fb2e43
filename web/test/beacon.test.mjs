/** Rounds of drand (specs/beacon.md §2 to §7): recorded pulses, and the values of the specification. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { CHAINS, chainOf, checkChain, checkPulse, isPractice, roundTime } from '../src/core/beacon.mjs';
import { formatTime } from '../src/core/encoding.mjs';
import { refuses, vectors } from './vectors.mjs';

const quicknet = CHAINS.get('quicknet');
const { pulses } = vectors('recorded/drand');
const thousand = pulses.find((pulse) => pulse.beacon === 'quicknet' && pulse.round === 1000);

/** The chain of specs/beacon.md §7. */
const practice = {
  id: 'practice',
  hash: '8640619f6d7b6b89917f817dda1b88a9a35c13b5d73b4e6ae8e54fe0e75ba827',
  key:
    '8215820ef0b25279351330af60fca1853138e9adfdc1b0f043d98ecccc4a573d3dd307b1d4524d5f62dbac2f7cc89e94' +
    '1330586cbe5cd46493dbba5eb2ccf916ebac3fa55d9ae384669ed6a31da1af9692d1bdc15ac2d3694be240996f55540f',
  scheme: 'bls-unchained-g1-rfc9380',
  period: 3,
  genesis: 1700000000,
};

for (const chain of CHAINS.values()) test(`the constants of ${chain.id} hash to its hash`, () => checkChain(chain));

for (const pulse of pulses) {
  test(`round ${pulse.round} of ${pulse.beacon} is genuine`, () => {
    assert.equal(checkPulse(CHAINS.get(pulse.beacon), pulse.round, pulse), pulse.randomness);
  });
}

test('the example of the specification comes out', () => {
  assert.equal(thousand.randomness, 'fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd');
  assert.equal(formatTime(roundTime(quicknet, 1000)), '2023-08-23T15:59:24Z');
  assert.equal(formatTime(roundTime(quicknet, 27946612)), '2026-04-20T00:00:00Z');
});

test('the practice chain of the specification is one, in a rehearsal alone', () => {
  const chain = chainOf(practice, { rehearsal: true });
  assert.ok(isPractice(chain));
  const pulse = {
    beacon: 'practice',
    round: 1,
    signature: 'b62f5bd54e413887da5e5f35c616162a3dc10ec75fe5e30b02688168d7c783fe5523e55bea2117444a84f6e41ed2d12e',
    previous: null,
  };
  assert.equal(checkPulse(chain, 1, pulse), 'a9d3e4a0a19345a47c757b39c1f10f977627168a276b4337cb0552b12e47ac18');
  refuses('practice-chain', () => chainOf(practice));
  refuses('signature-invalid', () => checkPulse(chain, 2, { ...pulse, round: 2 }));
});

test('a built-in chain with any other constant is refused', () => {
  for (const [constant, wrong] of [
    ['hash', CHAINS.get('default').hash],
    ['key', practice.key],
    ['scheme', 'bls-unchained-on-g1'],
    ['period', 4],
    ['genesis', quicknet.genesis + 1],
    ['id', 'quicknet-t'],
  ]) {
    refuses('chain-not-pinned', () => chainOf({ ...quicknet, [constant]: wrong }, { rehearsal: true }));
  }
  assert.equal(chainOf(quicknet), quicknet);
});

test('a practice chain with any other constant is refused', () => {
  const twin = (wrong) => () => chainOf({ ...practice, ...wrong }, { rehearsal: true });
  refuses('not-a-practice-chain', twin({ scheme: 'bls-unchained-on-g1' }));
  refuses('not-a-practice-chain', twin({ scheme: 'bls-bn254-unchained-on-g1' }));
  refuses('not-a-practice-chain', twin({ period: 30 }));
  refuses('wrong-chain-hash', twin({ genesis: 1700000001 }));
  refuses('wrong-chain-hash', twin({ id: 'practise' }));
  refuses('wrong-chain-hash', twin({ hash: '00'.repeat(32) }));
  refuses('wrong-chain-hash', twin({ key: practice.key.replace(/.$/, 'e') }));
  refuses('key-length', twin({ key: practice.key.slice(0, 96) }));
  refuses('not-hex', twin({ key: practice.key.toUpperCase() }));
  refuses('reserved-name', twin({ id: 'events' }));
  refuses('chain-id', twin({ id: 'Practice' }));
});

test('a chain whose key is no point of the group, or the identity, is refused', () => {
  // Whoever pinned these hashes would be right about the hash, and any signature might verify.
  for (const [key, code] of [
    [`c0${'00'.repeat(95)}`, 'identity-point'],
    [`a0${'00'.repeat(46)}01${'00'.repeat(47)}01`, 'not-a-point'],
    ['ff'.repeat(96), 'not-canonical'],
  ]) {
    refuses(code, () => chainOf({ ...practice, key, hash: hashUnder(key) }, { rehearsal: true }));
  }
});

/** The hash of the practice chain with another key, made from specs/beacon.md §2 with node's own SHA-256. */
function hashUnder(key) {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(practice.period);
  head.writeBigInt64BE(BigInt(practice.genesis), 4);
  const bytes = Buffer.concat([head, Buffer.from(key, 'hex'), Buffer.alloc(32), Buffer.from(practice.id)]);
  return createHash('sha256').update(bytes).digest('hex');
}

test('what is no signature of this chain, round and scheme is refused', () => {
  const twin = (wrong) => () => checkPulse(quicknet, 1000, { ...thousand, ...wrong });
  const { signature } = thousand;
  refuses('wrong-chain', twin({ beacon: 'fastnet' }));
  refuses('wrong-round', twin({ round: 1001 }));
  refuses('signature-invalid', () => checkPulse(quicknet, 1001, { ...thousand, round: 1001 }));
  refuses('signature-invalid', () => checkPulse({ ...quicknet, scheme: 'bls-unchained-on-g1' }, 1000, thousand));
  refuses('previous-unexpected', twin({ previous: signature }));
  refuses('signature-length', twin({ signature: signature.slice(2) }));
  refuses('signature-length', twin({ signature: `${signature}00` }));
  refuses('not-hex', twin({ signature: signature.toUpperCase() }));
  const first = CHAINS.get('default');
  const [one, two] = pulses.filter((pulse) => pulse.beacon === 'default');
  refuses('previous-missing', () => checkPulse(first, 2, { ...two, previous: null }));
  refuses('previous-length', () => checkPulse(first, 2, { ...two, previous: one.previous }));
  refuses('previous-length', () => checkPulse(first, 1, { ...one, previous: two.previous }));
  refuses('signature-invalid', () => checkPulse(first, 2, { ...two, previous: two.signature }));
});

test('points that a lax decoder takes are refused (§5, item 4)', () => {
  const modulus = '1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab';
  const aboveModulus = (0x8n << 380n) | BigInt(`0x${modulus}`);
  for (const [signature, code] of [
    [`80${'00'.repeat(46)}04`, 'not-a-point'],
    ['ff'.repeat(48), 'not-canonical'],
    [`c0${'00'.repeat(47)}`, 'identity-point'],
    [`e0${'00'.repeat(47)}`, 'not-canonical'],
    [`c0${'00'.repeat(46)}01`, 'not-canonical'],
    [`00${'00'.repeat(47)}`, 'not-a-point'],
    [aboveModulus.toString(16), 'not-a-point'],
    [(aboveModulus + 1n).toString(16), 'not-a-point'],
  ]) {
    refuses(code, () => checkPulse(quicknet, 1000, { ...thousand, signature }));
  }
  const [one] = pulses.filter((pulse) => pulse.beacon === 'default');
  for (const [signature, code] of [
    [`a0${'00'.repeat(46)}01${'00'.repeat(47)}01`, 'not-a-point'],
    [`c0${'00'.repeat(95)}`, 'identity-point'],
  ]) {
    refuses(code, () => checkPulse(CHAINS.get('default'), 1, { ...one, signature }));
  }
});

test('no bit of a signature can be flipped', () => {
  for (let bit = 0; bit < 384; bit++) {
    const bytes = Buffer.from(thousand.signature, 'hex');
    bytes[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => checkPulse(quicknet, 1000, { ...thousand, signature: bytes.toString('hex') }), {
      name: 'Refusal',
    });
  }
});
