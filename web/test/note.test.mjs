import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

import { cosignatures, openCheckpoint, parseProof } from '../src/core/checkpoint.mjs';
import { toBase64, utf8 } from '../src/core/encoding.mjs';
import { EMPTY_ROOT, leafHash } from '../src/core/merkle.mjs';
import { COSIGNATURE, COSIGNATURE_ML_DSA, ED25519, parseNote, parseVkey, verifyLine } from '../src/core/note.mjs';
import { parseTreeHead } from '../src/core/treehead.mjs';
import { headText, join, lineOf, noteOf, signer, vkeyOf } from './signing.mjs';
import { refuses } from './vectors.mjs';

const ORIGIN = 'log.example.cn/jinan';
const log = signer(ORIGIN);
const w1 = signer('w1.example.cn', COSIGNATURE);
const w2 = signer('见证.cn', COSIGNATURE_ML_DSA);
const root = leafHash(utf8('entry'));
const text = headText(ORIGIN, 5, root);
const witnesses = [w1, w2].map(({ name, vkey }) => ({ name, vkey }));
const open = (bytes) => openCheckpoint(bytes, [log.vkey]);
const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;
const EIGHTH = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n; // the y of a point of order 8

const bytesOf = (number) => Uint8Array.from({ length: 32 }, (_, i) => Number((number >> BigInt(8 * i)) & 255n));
const numberOf = (bytes) => bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);

// --- keys ----------------------------------------------------------------------------------------------------------

test('a key is read in each of its three types', () => {
  for (const { vkey } of [log, w1, w2]) assert.deepEqual(parseVkey(vkey.vkey), vkey);
});

test('a key with any character changed is refused', () => {
  const { vkey } = log.vkey;
  for (let at = 0; at < vkey.length; at++) {
    for (const put of ['', 'A', 'b', '0', '+', ' ', '=', vkey[at] + vkey[at]]) {
      if (put === vkey[at]) continue;
      assert.throws(() => parseVkey(vkey.slice(0, at) + put + vkey.slice(at + 1)), { name: 'Refusal' });
    }
  }
});

test('keys of another type, length or name', () => {
  const key = log.vkey.key;
  refuses('unknown-algorithm', () => parseVkey(vkeyOf('a', 0x02, key)));
  refuses('unknown-algorithm', () => parseVkey(vkeyOf('a', 0x05, key)));
  refuses('public-key-length', () => parseVkey(vkeyOf('a', ED25519, key.slice(1))));
  refuses('public-key-length', () => parseVkey(vkeyOf('a', COSIGNATURE_ML_DSA, key)));
  for (const name of ['', 'a b', 'a\u3000b', 'a\u0085b', 'a\nb']) {
    refuses('key-format', () => parseVkey(vkeyOf(name, ED25519, key)));
  }
  parseVkey(vkeyOf('a\u200bb', ED25519, key)); // no white space to Unicode
});

test('a key under which anybody can sign is none', () => {
  const eighth = Point.fromBytes(bytesOf(EIGHTH));
  let point = eighth;
  const seen = new Set();
  for (let i = 0; i < 8; i++, point = point.add(eighth)) {
    const bytes = point.toBytes();
    seen.add(numberOf(bytes));
    for (const type of [ED25519, COSIGNATURE]) refuses('key-format', () => parseVkey(vkeyOf('a', type, bytes)));
  }
  assert.equal(seen.size, 8);
  for (const y of [Point.Fp.ORDER, Point.Fp.ORDER + 1n, Point.Fp.ORDER + 3n, 2n ** 255n - 1n, 2n ** 255n + 1n]) {
    refuses('key-format', () => parseVkey(vkeyOf('a', ED25519, bytesOf(y))));
  }
});

// --- signatures ----------------------------------------------------------------------------------------------------

test('each type of signature verifies, and with any byte changed it does not', () => {
  for (const [who, time] of [[log], [w1, 1788775200], [w2, 1788775200], [w2, 0]]) {
    const signature = who.sign(text, time);
    assert.equal(verifyLine(who.vkey, text, signature), true);
    for (let at = 0; at < signature.length; at += signature.length > 100 ? 97 : 1) {
      const bent = signature.slice();
      bent[at] ^= 1;
      assert.equal(verifyLine(who.vkey, text, bent), false, `${who.name} ${at}`);
    }
    assert.equal(verifyLine(who.vkey, text, signature.slice(1)), false);
    assert.equal(verifyLine(who.vkey, text, join(signature, [0])), false);
    assert.equal(verifyLine(who.vkey, text.replace('5', '6'), signature), false);
  }
});

test('a signature of one type is none of another', () => {
  const cosigned = w1.sign(text, 7);
  const plain = parseVkey(vkeyOf(w1.name, ED25519, w1.vkey.key));
  assert.equal(verifyLine(plain, text, cosigned.slice(8)), false);
  assert.equal(verifyLine(plain, `cosignature/v1\ntime 7\n${text}`, cosigned.slice(8)), true);
});

test('a time above 2^63 - 1 is refused, and below it the signature decides', () => {
  for (const who of [w1, w2]) {
    assert.equal(verifyLine(who.vkey, text, who.sign(text, 2n ** 63n - 1n)), true);
    assert.equal(verifyLine(who.vkey, text, who.sign(text, 2n ** 63n)), false);
  }
});

test('an ML-DSA line says nothing of a text that is no tree head', () => {
  const signature = w2.sign(text, 1);
  assert.equal(verifyLine(w2.vkey, `${text}more\n`, signature), false);
  assert.equal(verifyLine(w2.vkey, 'hello\n', signature), false);
});

test('S has one spelling', () => {
  const signature = log.sign(text);
  const S = numberOf(signature.slice(32));
  assert.equal(verifyLine(log.vkey, text, join(signature.slice(0, 32), bytesOf(S + ORDER))), false);
});

test('a signature that holds with the cofactor alone is refused', () => {
  // A key with a part of order 8: what this signer makes, some verifiers would take and others not.
  const torsion = Point.fromBytes(bytesOf(EIGHTH));
  const secret = 1234567890123456789n;
  const key = Point.BASE.multiply(secret).add(torsion).toBytes();
  const vkey = parseVkey(vkeyOf('x', ED25519, key));
  let [taken, refused] = [0, 0];
  for (let r = 1n; r < 40n; r++) {
    const R = Point.BASE.multiply(r).toBytes();
    const k = numberOf(sha512(join(R, key, utf8(text)))) % ORDER;
    const signature = join(R, bytesOf((r + k * secret) % ORDER));
    assert.equal(ed25519.verify(signature, utf8(text), key, { zip215: false }), true);
    const holds = verifyLine(vkey, text, signature);
    assert.equal(holds, k % 8n === 0n);
    holds ? taken++ : refused++;
  }
  assert.ok(taken > 0 && refused > 0);
});

// --- notes ---------------------------------------------------------------------------------------------------------

test('a note is text, an empty line, and signature lines', () => {
  const note = parseNote(noteOf('a\n\nb\n', log.line('a\n\nb\n')));
  assert.equal(note.text, 'a\n\nb\n');
  assert.deepEqual(note.lines.map(({ name, keyId }) => [name, keyId]), [[ORIGIN, log.vkey.keyId]]);
  const line = log.line(text);
  for (const [code, bad] of [
    ['no-signature-block', text],
    ['no-signatures', `${text}\n`],
    ['no-signature-block', `${text}${line}`],
    ['signature-line', `${text}\n${line.slice(0, -1)}`],
    ['signature-line', `${text}\n-${line.slice(1)}`],
    ['signature-line', `${text}\n${line}hello\n`],
    ['signature-line', `${text}\n— a+b AAAAAAA=\n`],
    ['signature-line', `${text}\n— a\u00a0b AAAAAAA=\n`],
    ['signature-line', `${text}\n— a AAAAAAA= \n`],
    ['signature-line', `${text}\n—  AAAAAAA=\n`],
    ['not-base64', `${text}\n— a AAAAAAB=\n`],
    ['signature-empty', `${text}\n— a AAAAAA==\n`],
    ['control-character', `${text}\t\n${line}`],
    ['control-character', `${text}\r\n${line}`],
  ]) {
    refuses(code, () => parseNote(utf8(bad)));
  }
  refuses('not-utf-8', () => parseNote(join([0xff], noteOf(text, line))));
  refuses('too-many-signatures', () => parseNote(noteOf(text, line, line), 1));
  refuses('too-many-signatures', () => parseNote(noteOf(text, ...Array(4097).fill(line))));
  assert.equal(parseNote(noteOf(text, ...Array(4096).fill(line))).lines.length, 4096);
});

// --- checkpoints ---------------------------------------------------------------------------------------------------

test('a checkpoint is opened, and its witnesses told with their times', () => {
  const strange = signer('x.example.cn', COSIGNATURE);
  const lines = [log.line(text), w2.line(text, 9), strange.line(text, 8), w1.line(text, 7), w1.line(text, 5)];
  const opened = open(noteOf(text, ...lines));
  assert.deepEqual([opened.origin, opened.size, opened.root, opened.text], [ORIGIN, 5, root, text]);
  const told = cosignatures(opened, witnesses).map(({ witness, time }) => [witness.name, time]);
  assert.deepEqual(told, [['w1.example.cn', 7], ['w1.example.cn', 5], ['见证.cn', 9]]);
});

test('a line that is said four thousand times is verified, and counted, once', () => {
  const opened = open(noteOf(text, log.line(text), ...Array(4000).fill(w1.line(text, 7)), w1.line(text, 5)));
  const told = cosignatures(opened, witnesses).map(({ time }) => time);
  assert.deepEqual(told, [7, 5]);
});

test('one invalid line of a known key refuses the checkpoint; those of others say nothing', () => {
  const wrong = w1.line(text.replace('5', '6'), 7);
  const opened = open(noteOf(text, log.line(text), w1.line(text, 7), wrong));
  refuses('cosignature-invalid', () => cosignatures(opened, witnesses));
  assert.deepEqual(cosignatures(opened, witnesses.slice(1)), []);
  refuses('signature-invalid', () => open(noteOf(text, log.line(text), log.line('else\n'))));
  refuses('no-known-signature', () => open(noteOf(text, w1.line(text, 7))));
  // A witness's name beside another key is nobody's line.
  const double = signer('w1.example.cn', ED25519);
  assert.deepEqual(cosignatures(open(noteOf(text, log.line(text), double.line(text))), witnesses), []);
});

test('a checkpoint has three lines, each in its one form', () => {
  const bad = (code, other) => refuses(code, () => open(noteOf(other, log.line(other))));
  bad('extension-line', `${text}more\n`);
  bad('extension-line', `${text}\n`);
  bad('origin-mismatch', headText('log.example.cn/other', 5, root));
  bad('origin-mismatch', headText('a b', 5, root));
  bad('origin-length', headText('a'.repeat(256), 5, root));
  for (const size of ['05', '-1', '+5', '5.0', '5 ', '', '0x5', '５']) {
    bad('size-not-decimal', headText(ORIGIN, size, root));
  }
  bad('size-out-of-range', headText(ORIGIN, 2n ** 53n, root));
  bad('root-length', headText(ORIGIN, 5, root.slice(1)));
  bad('not-base64', text.replace('=\n', '\n'));
  bad('lines', `${ORIGIN}\n5\n`);
  assert.equal(parseTreeHead(headText(ORIGIN, 2 ** 53 - 1, root)).size, 2 ** 53 - 1);
  assert.equal(open(noteOf(headText(ORIGIN, 0, EMPTY_ROOT), log.line(headText(ORIGIN, 0, EMPTY_ROOT)))).size, 0);
});

test('a log may sign with ML-DSA too, and by that alone if the reader trusts that key', () => {
  const second = signer(ORIGIN, COSIGNATURE_ML_DSA);
  const note = noteOf(text, log.line(text), second.line(text, 0));
  assert.equal(openCheckpoint(note, [log.vkey, second.vkey]).size, 5);
  assert.equal(openCheckpoint(note, [second.vkey]).size, 5);
  const other = noteOf(text, log.line(text), lineOf(second.vkey, second.sign(text.replace('5', '6'), 0)));
  refuses('signature-invalid', () => openCheckpoint(other, [log.vkey, second.vkey]));
  assert.equal(openCheckpoint(other, [log.vkey]).size, 5);
});

// --- inclusion proofs in files -------------------------------------------------------------------------------------

test('a tlog-proof has an index, hashes and a checkpoint as it is', () => {
  const checkpoint = noteOf(text, log.line(text));
  const proof = `c2sp.org/tlog-proof@v1\nindex 3\n${toBase64(root)}\n${toBase64(EMPTY_ROOT)}\n\n`;
  const read = parseProof(join(utf8(proof), checkpoint));
  assert.deepEqual(read, { index: 3, hashes: [root, EMPTY_ROOT], checkpoint, extra: null });
  const more = proof.replace('index', 'extra AA==\nindex');
  assert.deepEqual(parseProof(join(utf8(more), checkpoint)).extra, Uint8Array.of(0));
  for (const [code, from, to] of [
    ['header', '@v1', '@v2'],
    ['format', '\n\n', '\n'],
    ['index', 'index 3', 'Index 3'],
    ['index', 'index 3\n', ''],
    ['size-not-decimal', 'index 3', 'index 03'],
    ['size-not-decimal', 'index 3', 'index -3'],
    ['size-out-of-range', 'index 3', 'index 9007199254740992'],
    ['extra-empty', 'index', 'extra \nindex'],
    ['not-base64', '=\n', '\n'],
    ['hash-length', toBase64(root), 'AAAA'],
    ['proof-length', 'index 3\n', `index 3\n${`${toBase64(root)}\n`.repeat(62)}`],
  ]) {
    refuses(code, () => parseProof(utf8(proof.replace(from, to))));
  }
});
