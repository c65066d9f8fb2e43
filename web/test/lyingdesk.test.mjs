/** A phone whose desk lies to it, two pages of one phone, and logs that are too long to be read twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { utf8 } from '../src/core/encoding.mjs';
import { leafHash } from '../src/core/merkle.mjs';
import { checkSignatures, readEntry } from '../src/core/statement.mjs';
import { parseVkey } from '../src/core/note.mjs';
import { saidIn, say } from '../src/supervise/chain.mjs';
import { Desk } from '../src/supervise/desk.mjs';
import { readHistory } from '../src/supervise/history.mjs';
import { openKey } from '../src/supervise/keys.mjs';
import { makePerson, readPerson } from '../src/supervise/person.mjs';
import { Phone } from '../src/supervise/phone.mjs';
import { seenKey } from '../src/supervise/witness.mjs';
import { BUREAU, INVITED, Memory, NOW, ORIGIN, entryOf, filesOf } from './phones.mjs';
import { signer } from './signing.mjs';

const NAME = 's1.example.cn';
const DESK = 'http://desk.example.cn';
const bureau = signer(BUREAU);
const withdrawal = (reason, seq = 0) => entryOf(bureau, { type: 'withdrawal', digest: 'ab'.repeat(32), reason }, seq);
const entries = (...reasons) => reasons.map((reason, seq) => withdrawal(reason, seq));
const off = (index) => ({ type: 'sign-off', of: { index, text: 'ab'.repeat(32) }, role: 'discipline' });

/** A phone that was invited, and what its desk shows now: `show(entries)` changes it. */
async function invited(context, store = new Memory()) {
  if (!(await readPerson(store))) await makePerson(store, { name: NAME, role: 'discipline' }, { holds: false });
  const text = `fairdraw/invitation v1\nlog ${INVITED.log.vkey}\nbureau ${INVITED.bureau.vkey}\ntrust ${'0'.repeat(64)}\nurl ${DESK}\n`;
  const phone = new Phone(store, null, () => NOW);
  await phone.load();
  phone.readInvitation(text);
  await phone.takeInvitation();
  const desk = { files: new Map(), asked: [], meanwhile: null };
  context.mock.method(globalThis, 'fetch', async (address, options) => {
    const path = address.slice(DESK.length + 1);
    desk.asked.push({ path, options });
    const bytes = desk.files.get(path);
    if (path.startsWith('tile/')) await desk.meanwhile?.();
    return bytes ? new Response(bytes) : new Response(null, { status: 404 });
  });
  const show = (told, how) => (desk.files = filesOf(told, how).files);
  return { phone, store, desk, show };
}

const refusal = (code) => (error) => assert.equal(error.code, code) ?? true;

// --- what was seen -------------------------------------------------------------------------------------------------

test('who only looks is not shown one history today and another one tomorrow', async (context) => {
  const { phone, store, show } = await invited(context);
  show(entries('erasure', 'erasure'));
  await phone.refresh(ORIGIN);
  assert.deepEqual([(await store.get(seenKey(ORIGIN))).size, (await store.get(seenKey(ORIGIN))).time], [2, null]);
  const { phone: tomorrow, show: shown } = await invited(context, store);
  shown([...entries('erasure', 'other'), ...entries('more')]);
  await assert.rejects(() => tomorrow.refresh(ORIGIN), refusal('log-forked'));
  assert.equal(tomorrow.evidence.length, 1);
  // The page that was open all the while signs nothing for it either.
  await assert.rejects(() => phone.cosign(ORIGIN, { sure: true }), refusal('log-convicted'));
  await assert.rejects(() => phone.say(ORIGIN, off(0)), refusal('log-convicted'));
});

test('what was looked at is cosigned, and a request for it by file needs no proof', async (context) => {
  const { phone, store, desk, show } = await invited(context);
  show(entries('erasure', 'erasure'));
  await phone.refresh(ORIGIN);
  const checkpoint = Buffer.from(desk.files.get('checkpoint')).toString();
  await phone.cosignRequest(utf8(`old 0\n\n${checkpoint}`));
  const seen = await store.get(seenKey(ORIGIN));
  assert.deepEqual([seen.size, seen.time], [2, NOW]);
  assert.ok(seen.leaves, 'and its leaves are still known');
});

test('a page that was slow does not take a log for shrunk that another page has seen grow', async (context) => {
  const { phone, store, desk, show } = await invited(context);
  const [few, many] = [entries('erasure'), entries('erasure', 'erasure', 'erasure')];
  show(many);
  await phone.refresh(ORIGIN);
  const larger = await store.get(seenKey(ORIGIN));
  const keep = (seen) => store.change([], () => [[seenKey(ORIGIN), seen]]);
  await keep(null);
  show(few);
  desk.meanwhile = async () => {
    await keep(larger); // by the other page, while this one reads
    show(many);
    desk.meanwhile = null;
  };
  assert.equal((await phone.refresh(ORIGIN)).checkpoint.size, 3);
  assert.deepEqual(phone.evidence, []);
  show(few);
  await assert.rejects(() => phone.refresh(ORIGIN), refusal('log-went-back'));
  assert.equal(phone.evidence.length, 1);
});

test('the verifier is given the log that was compared, not another one that the desk shows then', async (context) => {
  const { phone, show } = await invited(context);
  show(entries('erasure', 'erasure'));
  const { leaves } = await phone.refresh(ORIGIN);
  show(entries('other', 'other'));
  context.mock.method(phone, 'trustOf', async () => ({ known: true, bytes: utf8('trust') }));
  let given = null;
  phone.verifier = {
    ask: async (request) => {
      if (request.call === 'file') return { draw: 'cd'.repeat(32) };
      given = request.log;
      return { report: 'told', wanted: [] };
    },
  };
  assert.equal(await phone.verify(ORIGIN, 'cd'.repeat(32), new Uint8Array(), null), 'told');
  assert.deepEqual(given.entries.map(leafHash), leaves);
  await assert.rejects(() => phone.verify(ORIGIN, 'ef'.repeat(32), new Uint8Array(), null), refusal('bundle-of-another'));
});

test('a desk that sends the phone elsewhere is not followed', async (context) => {
  const { phone, desk, show } = await invited(context);
  show(entries('erasure'));
  await phone.refresh(ORIGIN);
  await phone.deskOf(ORIGIN).time();
  await new Desk([DESK]).hand('statement', 'x').catch(() => {});
  assert.ok(desk.asked.length > 4);
  for (const { path, options } of desk.asked) assert.equal(options.redirect, 'error', path);
});

// --- a long log ----------------------------------------------------------------------------------------------------

test('signatures that held are not tried again, as long as nothing before them differs', async () => {
  const forged = utf8(Buffer.from(withdrawal('erasure', 1)).toString().replace('erasure', 'another'));
  const told = [withdrawal('erasure'), forged, withdrawal('erasure', 2)];
  const first = await readHistory(filesOf(told).read, INVITED);
  assert.deepEqual([...first.held], [1, 0, 1]);
  const of = (history, change = {}) => ({ leaves: history.leaves, held: history.held, first: history.first, ...change });
  const indexes = async (bytes, before, how = {}) =>
    (await readHistory(filesOf(bytes).read, INVITED, { before, ...how })).statements.map(({ index }) => index);
  const grown = [...told, withdrawal('erasure', 3)];
  assert.deepEqual(await indexes(grown, of(first)), [0, 2, 3]);
  // It is what was kept that decides, or the test would not tell the difference.
  const bent = of(first, { held: new Uint8Array([0, 0, 1]) });
  assert.deepEqual(await indexes(grown, bent), [2, 3]);
  const lax = of(first, { held: new Uint8Array([1, 1, 1]) });
  assert.deepEqual(await indexes(grown, lax), [0, 1, 2, 3]);
  // Another entry before them, or other first keys: everything is tried anew.
  assert.deepEqual(await indexes([withdrawal('other'), ...told.slice(1)], lax), [0, 2]);
  assert.deepEqual(await indexes(told, lax, { known: new Map([[NAME, signer(NAME).vkey.vkey]]) }), [0, 2]);
  assert.deepEqual(await indexes(told, null), [0, 2]);
});

test('a whole bundle is asked for once a visit, and hashed each time', async (context) => {
  const { phone, desk } = await invited(context);
  const many = Array.from({ length: 256 }, (_, seq) => utf8(`entry ${seq}`));
  const { files } = filesOf(many);
  files.set('tile/entries/000', files.get('tile/entries/000.p/256'));
  desk.files = files;
  const asked = () => desk.asked.filter(({ path }) => path.startsWith('tile/')).length;
  await phone.refresh(ORIGIN);
  await phone.refresh(ORIGIN);
  assert.equal(asked(), 1);
});

// --- keys that change ----------------------------------------------------------------------------------------------

async function changing(context) {
  const { phone, store, show } = await invited(context);
  show([]);
  await phone.refresh(ORIGIN);
  return { phone, store, logged: (...said) => show(said.map(({ entry }) => entry)) };
}

test('what a crash left unsigned is signed by the old key before a new one follows', async (context) => {
  const { phone, store } = await changing(context);
  const old = await openKey(phone.person.supervisor);
  const broken = { vkey: old.vkey, sign: () => Promise.reject(new Error('crash')) };
  const where = { log: ORIGIN, bureau: BUREAU, by: NAME };
  await assert.rejects(() => say(store, where, off(1), { now: NOW, logged: [], signers: [broken] }), /crash/);
  await phone.renew();
  const [half, change] = await saidIn(store, ORIGIN);
  for (const { entry } of [half, change]) checkSignatures(readEntry(entry), () => old.vkey);
  const after = await phone.say(ORIGIN, off(2));
  checkSignatures(readEntry(after.entry), () => parseVkey(phone.person.supervisor.vkey));
  assert.notEqual(phone.person.supervisor.vkey, old.vkey.vkey);
});

test('a page that was open while another one changed the keys signs with the new one', async (context) => {
  const { phone, store } = await changing(context);
  const { phone: other, show } = await invited(context, store);
  show([]);
  await other.renew();
  const { entry } = await phone.say(ORIGIN, off(1));
  checkSignatures(readEntry(entry), () => parseVkey(other.person.supervisor.vkey));
});

test('between the change of keys and its end neither key signs what it may not', async (context) => {
  const { store, phone } = await changing(context);
  const before = await readPerson(store);
  await phone.renew();
  const after = await readPerson(store);
  const old = await openKey(before.supervisor);
  const how = { now: NOW, logged: [], signers: [old] };
  const where = { log: ORIGIN, bureau: BUREAU, by: NAME };
  await assert.rejects(() => say(store, where, off(1), how), refusal('key-change-unfinished'));
  assert.equal((await saidIn(store, ORIGIN)).length, 1, 'nothing was stored that no desk could take');
  await say(store, where, off(1), { ...how, signers: [await openKey(after.supervisor)] });
});
