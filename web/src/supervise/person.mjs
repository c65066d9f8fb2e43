/** Whose phone it is: name, role, two keys; the logs it was invited to; renewing a key (specs/phone.md §1 to §3). */

import { utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { COSIGNATURE, ED25519, isKeyName } from '../core/note.mjs';
import { say } from './chain.mjs';
import { enrolmentText, readEnrolment, readInvitation } from './codes.mjs';
import { lineText, noteOf } from './evidence.mjs';
import { makeKey } from './keys.mjs';

const PERSON = 'person';
const logKey = (origin) => `log/${origin}`;
const MAX_NAME = 200;

export const readPerson = (store) => store.get(PERSON);

/** Make a person's keys; a phone has one person. */
export async function makePerson(store, { name, role }, how) {
  if (!isKeyName(name) || name.length > MAX_NAME) throw new Refusal('bad-name', { found: name });
  const supervisor = await makeKey(name, ED25519, how);
  const witness = await makeKey(name, COSIGNATURE, how);
  const person = { name, role, supervisor, witness, next: null };
  await store.change([PERSON], (there) => {
    if (there) throw new Refusal('key-exists', { name: there.name }); // another page was faster
    return [[PERSON, person]];
  });
  return person;
}

/** The logs the phone was invited to. */
export const readLogs = (store) => store.all('log/').then((kept) => kept.map(({ text }) => readInvitation(utf8(text))));

/**
 * Take an invitation. Log and bureau keep the keys that they had when they were first heard of; only where the desk is,
 * and by which trust file it goes, may change.
 */
export async function takeInvitation(store, bytes, person) {
  const told = readInvitation(bytes);
  if (person && person.name.endsWith('/rehearsal') !== told.rehearsal) {
    throw new Refusal('rehearsal-mixed', { found: told.log.name });
  }
  const others = await readLogs(store);
  for (const { log, bureau } of others) {
    const changed = (log.name === told.log.name && log.vkey !== told.log.vkey) ||
      (bureau.name === told.bureau.name && bureau.vkey !== told.bureau.vkey);
    if (changed) throw new Refusal('invitation-of-another', { found: told.log.name });
  }
  await store.change([logKey(told.log.name)], () => [[logKey(told.log.name), { text: new TextDecoder().decode(bytes) }]]);
  return told;
}

/** The signed enrolment for a log. `key` is the person's opened signing key. */
export async function enrolmentFor(person, log, key) {
  const { role, supervisor, witness } = person;
  const text = enrolmentText({ log, role, supervisor: supervisor.vkey, witness: witness.vkey });
  const data = utf8(noteOf(text, [lineText(key.vkey, await key.sign(utf8(text)))]));
  return { data, ...readEnrolment(data) };
}

/**
 * Follow the signing key with a new one, in every log: stored, then said by both, then in force here. A crash in between
 * is finished by doing it again.
 *
 * @param {(held: object) => Promise<object>} open
 * @param {{log: string, bureau: string, logged: object[]}[]} places
 */
export async function renewKey(store, places, { how, open, now }) {
  let person = await readPerson(store);
  if (!person.next) {
    const next = await makeKey(person.name, ED25519, how);
    await store.change([PERSON], (there) => {
      person = there.next ? there : { ...there, next };
      return [[PERSON, person]];
    });
  }
  const [old, next] = [await open(person.supervisor), await open(person.next)];
  const said = [];
  for (const { log, bureau, logged } of places) {
    const what = { type: 'key', old: old.vkey.vkey, new: next.vkey.vkey, former: null };
    const one = await say(store, { log, bureau, by: person.name }, what, { now, logged, signers: [old, next] });
    said.push({ log, ...one });
  }
  await store.change([PERSON], (there) => {
    if (there.next?.vkey !== next.vkey.vkey) return []; // another page has done it
    return [[PERSON, { ...there, supervisor: there.next, next: null }]];
  });
  return said;
}
