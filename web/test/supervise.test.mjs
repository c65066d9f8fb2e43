/** What a supervisor's phone signs, and what it refuses to: attacks first, with a store as strict as the browser's. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openNote, cosignatures, openCheckpoint } from '../src/core/checkpoint.mjs';
import { fromBase64, text as decode, toBase64, utf8 } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { checkConsistency, leafHash, rootOf } from '../src/core/merkle.mjs';
import { COSIGNATURE, ED25519, parseVkey } from '../src/core/note.mjs';
import { checkSignatures, readEntry } from '../src/core/statement.mjs';
import { finish, headOf, saidIn, say } from '../src/supervise/chain.mjs';
import { codeOf, readCode, readEnrolment } from '../src/supervise/codes.mjs';
import { consistencyProof, noteOf } from '../src/supervise/evidence.mjs';
import { readHistory } from '../src/supervise/history.mjs';
import { canHold, makeKey, openKey } from '../src/supervise/keys.mjs';
import { enrolmentFor, makePerson, readLogs, readPerson, renewKey, takeInvitation } from '../src/supervise/person.mjs';
import { commitment, commitmentsIn, plannedSlots, reveal } from '../src/supervise/seeds.mjs';
import { CLOCK, checkClock, cosign, opened, seenKey } from '../src/supervise/witness.mjs';
import { BUREAU, INVITED, LOG, Memory, NOW, ORIGIN, entryOf, filesOf } from './phones.mjs';
import { vectors } from './vectors.mjs';
import { signer } from './signing.mjs';

// --- a log, a key --------------------------------------------------------------------------------------------------

/** A log that signs whatever it is told to: `tree(entries)` is a checkpoint and how it was looked at. */
function tree(entries, { by = LOG, root = null } = {}) {
  const leaves = entries.map((entry) => leafHash(utf8(entry)));
  const text = `${ORIGIN}\n${entries.length}\n${toBase64(root ?? rootOf(leaves))}\n`;
  const checkpoint = openCheckpoint(utf8(noteOf(text, [by.line(text)])), [by.vkey]);
  return { checkpoint, grown: { leaves }, logKey: by.vkey };
}

const words = (count, beginning = 'entry') => Array.from({ length: count }, (_, i) => `${beginning} ${i}`);

async function phone() {
  const store = new Memory();
  const person = await makePerson(store, { name: 's1.example.cn', role: 'discipline' }, { holds: false });
  const key = await openKey(person.witness);
  const sign = (what, now = NOW, floor = 0) => cosign(store, key, { ...what, now, floor });
  return { store, person, key, sign };
}

const refused = (code, act) =>
  assert.rejects(act, (error) => {
    if (!(error instanceof Refusal)) throw error;
    assert.equal(error.code, code);
    return true;
  });

const caught = async (code, act) => {
  try {
    await act();
  } catch (error) {
    assert.equal(error.code, code);
    return decode(error.evidence);
  }
  throw assert.fail(`no ${code}`);
};

// --- cosigning -----------------------------------------------------------------------------------------------------

test('a checkpoint is cosigned with a time, and everybody can verify it', async () => {
  const { key, sign, store } = await phone();
  const what = tree(words(5));
  const note = utf8(await sign(what));
  const checkpoint = openCheckpoint(note, [LOG.vkey]);
  const [line] = cosignatures(checkpoint, [{ name: 'w', vkey: key.vkey }]);
  assert.equal(line.time, NOW);
  const seen = await store.get(seenKey(ORIGIN));
  assert.deepEqual([seen.size, seen.time], [5, NOW]);
});

test('a log that grew is cosigned again, and one that did not, for a later time', async () => {
  const { sign } = await phone();
  for (const [size, now] of [[0, 0], [1, 1], [3, 2], [3, 3], [8, 4], [300, 5]]) await sign(tree(words(size)), NOW + now);
});

test('what is smaller than what was seen is refused and kept: an old copy', async () => {
  const { sign, store } = await phone();
  await sign(tree(words(9)));
  const evidence = await caught('log-went-back', () => sign(tree(words(4)), NOW + 1));
  assert.match(evidence, /^log\.example\.cn\/jinan\n4\n[^]+\nlog\.example\.cn\/jinan\n9\n/);
  assert.equal((await store.get(seenKey(ORIGIN))).size, 9);
});

for (const [name, forked] of Object.entries({
  'of the same size': words(9, 'other'),
  'of a larger size': [...words(8), 'other', 'more', 'and more'],
  'of a smaller size': words(4, 'other'),
  'of no entry less than one': [...words(0), 'other'],
}))
  test(`a fork ${name} is refused, and the file convicts the log`, async () => {
    const { sign, store } = await phone();
    await sign(tree(words(9)));
    const evidence = await caught('log-forked', () => sign(tree(forked), NOW + 1));
    assert.equal((await store.get(seenKey(ORIGIN))).size, 9);
    convicts(evidence);
  });

/** The reader of specs/log.md §7, written for the test from its text. */
function convicts(file) {
  const [head, ...rest] = file.split('\n\n');
  assert.equal(rest.length, 4, file);
  const notes = [`${rest[0]}\n\n${rest[1]}\n`, `${rest[2]}\n\n${rest[3]}`];
  const [smaller, larger] = notes.map((note) => openCheckpoint(utf8(note), [LOG.vkey]));
  assert.ok(notes.every((note) => note.split('\n').length === 6));
  const [title, ...lines] = head.split('\n');
  assert.equal(title, 'fork/v1');
  assert.ok(smaller.size <= larger.size);
  if (smaller.size === larger.size) {
    assert.equal(lines.length, 0);
    assert.ok(Buffer.compare(smaller.root, larger.root) < 0);
    return;
  }
  const root = fromBase64(lines[0].replace(/^root /, ''));
  const proof = lines.slice(1).map(fromBase64);
  checkConsistency({ size1: smaller.size, root1: root, size2: larger.size, root2: larger.root, proof });
  assert.notDeepEqual(root, smaller.root);
}

test('every consistency proof that is made is one', () => {
  for (let size2 = 2; size2 < 40; size2++) {
    const leaves = words(size2).map((entry) => leafHash(utf8(entry)));
    for (let size1 = 1; size1 < size2; size1++) {
      const [root1, root2] = [rootOf(leaves.slice(0, size1)), rootOf(leaves)];
      checkConsistency({ size1, root1, size2, root2, proof: consistencyProof(leaves, size1) });
    }
  }
});

test('files that are not those of the signed root are refused, and nothing is stored', async () => {
  const { sign, store } = await phone();
  const what = tree(words(5));
  await refused('root-mismatch', () => sign({ ...what, grown: { leaves: what.grown.leaves.slice(1) } }));
  await refused('root-mismatch', () => sign({ ...what, grown: tree(words(5, 'other')).grown }));
  assert.equal(await store.get(seenKey(ORIGIN)), null);
  assert.equal(await store.get(CLOCK), null);
});

test('a request by file needs the proof from the very tree that was seen', async () => {
  const { sign } = await phone();
  const small = tree(words(3));
  const large = tree(words(7));
  await refused('witness-saw-another-size', () => sign({ ...small, grown: { old: 2, proof: [] } }));
  await sign({ ...small, grown: { old: 0, proof: [] } });
  const proof = consistencyProof(large.grown.leaves, 3);
  await refused('witness-saw-another-size', () => sign({ ...large, grown: { old: 0, proof: [] } }));
  await refused('witness-saw-another-size', () => sign({ ...large, grown: { old: 4, proof } }));
  for (const bent of [proof.slice(1), [...proof, proof[0]], proof.map((hash) => hash.map((byte) => byte ^ 1))]) {
    await assert.rejects(() => sign({ ...large, grown: { old: 3, proof: bent } }), Refusal);
  }
  await sign({ ...large, grown: { old: 3, proof } });
  // Leaves were never seen, and yet a fork of that size convicts.
  convicts(await caught('log-forked', () => sign(tree(words(7, 'other')))));
});

test('a clock behind a round or behind what was signed signs nothing; one second may have two signatures', async () => {
  const { sign, store } = await phone();
  await refused('clock-behind-round', () => sign(tree(words(2)), NOW, NOW + 1));
  assert.equal(await store.get(CLOCK), null);
  await sign(tree(words(2)), NOW, NOW - 5);
  await sign(tree(words(3)), NOW);
  await refused('clock-went-back', () => sign(tree(words(4)), NOW - 1));
  // A round that was verified once goes on to be known, also when the log no longer shows it.
  await sign(tree(words(4)), NOW + 10, NOW + 9);
  assert.throws(() => checkClock(NOW + 8, { last: 0, floor: NOW + 9 }), { code: 'clock-behind-round' });
});

test('the time of one log holds for every other', async () => {
  const { sign } = await phone();
  await sign(tree(words(2)), NOW + 100);
  const text = `other.example.cn/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`;
  const other = signer('other.example.cn/log');
  const checkpoint = openCheckpoint(utf8(noteOf(text, [other.line(text)])), [other.vkey]);
  await refused('clock-went-back', () => sign({ checkpoint, grown: { leaves: [] }, logKey: other.vkey }, NOW));
});

test('of two pages at one moment none rolls the other back', async () => {
  const { store, key, sign } = await phone();
  await sign(tree(words(3)));
  // The slower page looked before the faster one stored: it decides again by what is stored now.
  const slow = new Proxy(store, {
    get(target, name) {
      if (name !== 'change') return Reflect.get(target, name);
      return async (...change) => {
        await sign(tree(words(9)), NOW + 1);
        return target.change(...change);
      };
    },
  });
  await refused('log-went-back', () => cosign(slow, key, { ...tree(words(5)), now: NOW + 1 }));
  assert.equal((await store.get(seenKey(ORIGIN))).size, 9);
});

test('two pages that show two forks at one moment get one signature', async () => {
  const { sign } = await phone();
  const both = await Promise.allSettled([sign(tree(words(5))), sign(tree(words(5, 'other')))]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('what cannot be stored is not signed', async () => {
  const { key, store } = await phone();
  let signed = 0;
  const watched = { vkey: key.vkey, sign: async (message) => (signed++, key.sign(message)) };
  const full = { ...store, get: store.get, change: async () => Promise.reject(new Error('QuotaExceededError')) };
  await assert.rejects(() => cosign(full, watched, { ...tree(words(2)), now: NOW }), /Quota/);
  assert.equal(signed, 0);
});

test('a statement key does not cosign', async () => {
  const { store, person } = await phone();
  const own = await openKey(person.supervisor);
  await refused('unknown-algorithm', () => cosign(store, own, { ...tree(words(2)), now: NOW }));
});

// --- statements ----------------------------------------------------------------------------------------------------

const WHERE = { log: ORIGIN, bureau: BUREAU, by: 's1.example.cn' };
const off = (index, text = 'ab'.repeat(32)) => ({ type: 'sign-off', of: { index, text }, role: 'discipline' });

async function chair() {
  const { store, person } = await phone();
  const own = await openKey(person.supervisor);
  const speak = (what, { now = NOW, logged = [] } = {}) => say(store, WHERE, what, { now, logged, signers: [own] });
  return { store, person, own, speak };
}

const asLogged = (...said) => said.map(({ hash, text }) => ({ hash, statement: JSON.parse(text) }));

test('statements follow each other, are signed, and stay as they are', async () => {
  const { own, speak, store } = await chair();
  const [one, two] = [await speak(off(1)), await speak(off(2), { now: NOW + 5 })];
  const entries = [one, two].map(({ entry }) => readEntry(entry));
  for (const entry of entries) checkSignatures(entry, () => own.vkey);
  assert.deepEqual(entries.map(({ statement }) => [statement.seq, statement.prev]), [[0, null], [1, one.hash]]);
  assert.deepEqual((await saidIn(store, ORIGIN)).map(({ seq }) => seq), [0, 1]);
});

test('to say the same again gives the same bytes, whatever the clock says', async () => {
  const { speak, store } = await chair();
  const one = await speak(off(1));
  assert.deepEqual(await speak(off(1), { now: NOW + 500 }), one);
  assert.equal((await saidIn(store, ORIGIN)).length, 1);
});

test('a crash between storing and signing is finished with the text that was stored', async () => {
  const { own, store } = await chair();
  const broken = { vkey: own.vkey, sign: () => Promise.reject(new Error('crash')) };
  await assert.rejects(() => say(store, WHERE, off(1), { now: NOW, logged: [], signers: [broken] }), /crash/);
  const [half] = await saidIn(store, ORIGIN);
  assert.equal(half.entry, null);
  const done = await finish(store, ORIGIN, half, [own]);
  assert.equal(done.text, half.text);
  assert.deepEqual(await say(store, WHERE, off(1), { now: NOW + 9, logged: [], signers: [own] }), done);
});

test('two pages that speak at one moment make no two texts with one number', async () => {
  const { speak, store } = await chair();
  const both = await Promise.allSettled([speak(off(1)), speak(off(2))]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(both.find(({ reason }) => reason).reason.code, 'said-elsewhere');
  assert.deepEqual((await saidIn(store, ORIGIN)).map(({ seq }) => seq), [0]);
});

test('a chain that goes on in the log without this phone is somebody else with its key', async () => {
  const { speak } = await chair();
  const one = await speak(off(1));
  const stranger = { hash: 'cd'.repeat(32), statement: { seq: 1 } };
  await refused('chain-of-another', () => speak(off(2), { logged: [...asLogged(one), stranger] }));
  await refused('chain-of-another', () => speak(off(2), { logged: [{ ...stranger, statement: { seq: 0 } }] }));
  await speak(off(2), { logged: asLogged(one) });
});

test('a clock that went back says nothing', async () => {
  const { speak } = await chair();
  await speak(off(1), { now: NOW + 60 });
  await refused('clock-went-back', () => speak(off(2)));
});

test('a statement that the specification does not know is not stored', async () => {
  const { speak, store } = await chair();
  await assert.rejects(() => speak({ type: 'sign-off', of: { index: 1, text: 'ab' }, role: 'discipline' }), Refusal);
  await assert.rejects(() => speak({ ...off(1), comment: 'x' }), Refusal);
  assert.deepEqual(await saidIn(store, ORIGIN), []);
});

test('the head of an empty chain, and that of one that is stored and not yet logged', async () => {
  assert.deepEqual(headOf([], []), { seq: 0, prev: null, time: 0 });
  const { speak, store } = await chair();
  const one = await speak(off(1));
  assert.deepEqual(headOf(await saidIn(store, ORIGIN), []), { seq: 1, prev: one.hash, time: NOW });
});

// --- seeds ---------------------------------------------------------------------------------------------------------

const SLOT = '2026/fund-use/1';
const item = (index, by, statement) => ({ index, hash: String(index).repeat(64).slice(0, 64), statement: { by, ...statement } });

test('a seed is stored together with its commitment, asked for again it is the same, and no two phones have one', async () => {
  const { store, own } = await chair();
  const about = { origin: ORIGIN, slot: SLOT, name: 's1.example.cn' };
  const { what, beside } = await commitment(store, { ...about, digits: '314159' });
  assert.equal(await store.get(`seed/${ORIGIN}/${SLOT}`), null, 'nothing is stored before there is a text');
  const signed = await say(store, WHERE, what, { now: NOW, logged: [], signers: [own], beside });
  const again = await commitment(store, about);
  assert.deepEqual([again.what, again.beside], [what, []]);
  assert.deepEqual(await say(store, WHERE, again.what, { now: NOW + 9, logged: [], signers: [own] }), signed);
  const other = await commitment(new Memory(), { ...about, digits: '314159' });
  assert.notEqual(other.what.commitment, what.commitment, 'digits alone do not make the seed');
});

test('a seed is revealed once an announcement names its commitment, and not before', async () => {
  const { store, own } = await chair();
  const { what, beside } = await commitment(store, { origin: ORIGIN, slot: SLOT, name: 's1.example.cn' });
  await say(store, WHERE, what, { now: NOW, logged: [], signers: [own], beside });
  const committed = item(4, 's1.example.cn', what);
  const announced = (text) => item(5, BUREAU, { type: 'announcement', seed: { kind: 'committed', contributors: [{ commitment: { text } }] } });
  const [waits] = commitmentsIn([committed, announced('ff'.repeat(32))], 's1.example.cn');
  await refused('not-announced', () => reveal(store, ORIGIN, waits, 's1.example.cn'));
  const [asked] = commitmentsIn([committed, announced(committed.hash)], 's1.example.cn');
  const told = await reveal(store, ORIGIN, asked, 's1.example.cn');
  assert.deepEqual([told.type, told.commitment], ['reveal', { index: 4, text: committed.hash }]);
  assert.match(told.seed, /^[0-9a-f]{64}$/);
  await refused('seed-missing', () => reveal(new Memory(), ORIGIN, asked, 's1.example.cn'));
  const done = item(6, 's1.example.cn', told);
  assert.ok(commitmentsIn([committed, announced(committed.hash), done], 's1.example.cn')[0].revealed);
  assert.deepEqual(plannedSlots([item(0, BUREAU, { type: 'plan', slots: ['b', 'a'] }), committed]), ['a', 'b']);
});

// --- keys ----------------------------------------------------------------------------------------------------------

test('node holds keys that it does not give out, and they sign what everybody verifies', async () => {
  if (!(await canHold(new Memory()))) return assert.fail('this node has no Ed25519 in WebCrypto: use node 20 or newer');
  const held = await makeKey('s1.example.cn', ED25519, { holds: true });
  await assert.rejects(() => crypto.subtle.exportKey('pkcs8', held.privateKey));
  const text = 'a note\n';
  const { vkey, sign } = await openKey(held);
  const line = `— ${vkey.name} ${toBase64(new Uint8Array([...Buffer.from(vkey.keyId, 'hex'), ...(await sign(utf8(text)))]))}\n`;
  openNote(utf8(noteOf(text, [line])), [parseVkey(held.vkey)]);
});

test('a browser without WebCrypto, or without Ed25519 in it, is found out by trying', async () => {
  const store = new Memory();
  assert.equal(await canHold(store), true);
  assert.deepEqual(await store.all(''), [], 'nothing is left of the trial');
  assert.equal(await canHold(store, null), false);
  assert.equal(await canHold(store, { generateKey: () => Promise.reject(new Error('NotSupportedError')) }), false);
  const gives = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const lax = { generateKey: async () => gives, exportKey: (...a) => crypto.subtle.exportKey(...a), sign: (...a) => crypto.subtle.sign(...a) };
  assert.equal(await canHold(store, lax), false, 'a key that is given out is not held');
  const forgetful = { get: async () => null, change: async () => {} };
  assert.equal(await canHold(forgetful), false, 'a key that is not there tomorrow is not held');
  const picky = { ...forgetful, change: () => Promise.reject(new DOMException('', 'DataCloneError')) };
  assert.equal(await canHold(picky), false, 'a private window may store everything but keys');
});

test('a sealed key opens with its passphrase alone', async () => {
  const held = await makeKey('s1.example.cn', ED25519, { holds: false, passphrase: '一个口令 2026' });
  assert.deepEqual(Object.keys(held).sort(), ['kind', 'salt', 'sealed', 'vkey']);
  const { sign } = await openKey(held, '一个口令 2026');
  assert.equal((await sign(utf8('x'))).length, 64);
  await refused('wrong-passphrase', () => openKey(held, '一个口令 2027'));
  await refused('key-locked', () => openKey(held));
  const bent = { ...held, sealed: held.sealed.map((byte, i) => (i ? byte : byte ^ 1)) };
  await refused('wrong-passphrase', () => openKey(bent, '一个口令 2026'));
});

test('no two keys are the same, of one person or of two', async () => {
  const { person } = await phone();
  const { person: other } = await phone();
  const keys = [person.supervisor, person.witness, other.supervisor, other.witness];
  assert.equal(new Set(keys.map(({ vkey }) => parseVkey(vkey).key.join())).size, 4);
  assert.equal(parseVkey(person.witness.vkey).type, COSIGNATURE);
});

test('a second page does not make a second person', async () => {
  const { store, person } = await phone();
  await refused('key-exists', () => makePerson(store, { name: 's2.example.cn', role: 'social' }, { holds: false }));
  assert.equal((await readPerson(store)).supervisor.vkey, person.supervisor.vkey);
  for (const name of ['', 'a b', 'a+b', 'x'.repeat(201)]) {
    await refused('bad-name', () => makePerson(new Memory(), { name, role: 'social' }, { holds: false }));
  }
});

test('a key is followed by a new one, said by both, and a crash in between is finished', async () => {
  const { store, person } = await chair();
  let opened = 0;
  const open = (held) => (opened++ === 1 ? Promise.reject(new Error('crash')) : openKey(held));
  const places = [{ log: ORIGIN, bureau: BUREAU, logged: [] }];
  const how = { how: { holds: false }, open, now: NOW };
  await assert.rejects(() => renewKey(store, places, how), /crash/);
  const half = await readPerson(store);
  assert.equal(half.supervisor.vkey, person.supervisor.vkey);
  const [said] = await renewKey(store, places, { ...how, now: NOW + 1 });
  const after = await readPerson(store);
  assert.equal(after.supervisor.vkey, half.next.vkey);
  assert.equal(after.next, null);
  checkSignatures(readEntry(said.entry), () => parseVkey(person.supervisor.vkey));
  assert.equal(readEntry(said.entry).statement.new, after.supervisor.vkey);
  const next = await openKey(after.supervisor);
  const one = await say(store, WHERE, off(3), { now: NOW + 2, logged: [], signers: [next] });
  checkSignatures(readEntry(one.entry), () => next.vkey);
  assert.equal(readEntry(one.entry).statement.prev, said.hash);
});

// --- invitations ---------------------------------------------------------------------------------------------------

const invitation = (name) => utf8(vectors('phone').accept.find((item) => item.name === name).text);

test('an invitation is kept, and a newer one may change addresses and trust file, but no key', async () => {
  const { store, person } = await phone();
  await takeInvitation(store, invitation('an invitation'), person);
  const newer = decode(invitation('an invitation')).replace(/trust ..../, 'trust 0000').replace('supervise', 'desk');
  await takeInvitation(store, utf8(newer), person);
  const [log] = await readLogs(store);
  assert.deepEqual([log.trust.slice(0, 4), log.urls], ['0000', ['https://yb.example.cn/desk']]);
  const stranger = signer(ORIGIN).vkey.vkey;
  const forged = newer.replace(/^log .*$/m, `log ${stranger}`);
  await refused('invitation-of-another', () => takeInvitation(store, utf8(forged), person));
  const other = newer.replace(/^bureau .*$/m, `bureau ${signer(BUREAU).vkey.vkey}`).replace(/^log .*$/m, `log ${signer('log2.example.cn').vkey.vkey}`);
  await refused('invitation-of-another', () => takeInvitation(store, utf8(other), person));
  await refused('rehearsal-mixed', () => takeInvitation(store, invitation('an invitation of a rehearsal'), person));
});

test('an enrolment says who the phone is, and reads back from its code', async () => {
  const { person } = await phone();
  const { data, digest } = await enrolmentFor(person, ORIGIN, await openKey(person.supervisor));
  const { letter, bytes } = readCode(`fairdraw:#${codeOf('e', data)}`);
  const told = readEnrolment(bytes);
  assert.equal(letter, 'e');
  assert.deepEqual([told.role, told.supervisor.vkey, told.witness.vkey], ['discipline', person.supervisor.vkey, person.witness.vkey]);
  assert.equal(told.digest, digest);
});

// --- the log that a phone reads ------------------------------------------------------------------------------------

test('a phone reads what the bureau and its owner said, and passes over the rest', async () => {
  const [bureau, own, stranger] = [signer(BUREAU), signer('s1.example.cn'), signer('s9.example.cn')];
  const withdrawal = { type: 'withdrawal', digest: 'ab'.repeat(32), reason: 'erasure' };
  const forged = decode(entryOf(bureau, withdrawal, 1)).replace('erasure', 'another');
  const entries = [entryOf(bureau, withdrawal), utf8('bytes'), utf8(forged), entryOf(own, off(0)), entryOf(stranger, off(0))];
  const { read } = filesOf(entries);
  const known = new Map([[own.name, own.vkey.vkey]]);
  const { statements, checkpoint, leaves } = await readHistory(read, INVITED, { known });
  assert.deepEqual(statements.map(({ index }) => index), [0, 3]);
  assert.equal(leaves.length, checkpoint.size);
});

test('a log that signs more than it shows, or goes on after its end, is refused', async () => {
  const entries = words(3).map(utf8);
  const { read, files } = filesOf(entries);
  const hidden = async (path) => (path.startsWith('tile/') ? null : read(path));
  await refused('entry-unavailable', () => readHistory(hidden, INVITED));
  const end = `frozen/v1\n${ORIGIN}\n2\n${toBase64(rootOf(entries.slice(0, 2).map(leafHash)))}\n`;
  const { read: ended } = filesOf(entries, { frozen: end });
  await refused('frozen-differs', () => readHistory(ended, INVITED));
  files.delete('checkpoint');
  await refused('missing', () => readHistory(read, INVITED));
  const stranger = { ...INVITED, log: signer('log.example.cn/other').vkey };
  await refused('no-known-signature', () => readHistory(filesOf(entries).read, stranger));
});

test('what is stored of a tree opens again', async () => {
  const { sign, store } = await phone();
  await sign(tree(words(4)));
  const seen = opened(await store.get(seenKey(ORIGIN)));
  assert.deepEqual(seen.leaves.map(toBase64), tree(words(4)).grown.leaves.map(toBase64));
  assert.equal(opened(null), null);
});
