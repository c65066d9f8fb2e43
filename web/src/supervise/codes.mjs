/** What a bureau's desk and a supervisor's phone hand each other in person (specs/phone.md §1 to §3). */

import { fromBase64, sameBytes, sha256hex, text as decode, toBase64, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { COSIGNATURE, ED25519, isLineOf, parseNote, parseVkey, verifyLine } from '../core/note.mjs';

const INVITATION = 'fairdraw/invitation v1';
const ENROLMENT = 'fairdraw/enrolment v1';
const REHEARSAL = '/rehearsal';
const MAX_CODED = 2048; // bytes
const MAX_URLS = 4;
const MAX_URL = 120;
const MAX_PORT = 65_535;
const CODE = /(?:^|#)([iecs])=([A-Za-z0-9_-]+)\s*$/;
const WORD = /^[^\p{White_Space}\u0000-\u001f\u007f-\u009f]+$/u;
const URL_FORM =
  /^https?:\/\/(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::([1-9][0-9]{0,4}))?(?:\/(?!\.)(?:[a-z0-9._~-]|%[89a-f][0-9a-f])+)*$/i;

// --- codes (§1) ----------------------------------------------------------------------------------------------------

/** Bytes as they stand in a code, behind the `#`. */
export const codeOf = (letter, bytes) =>
  `${letter}=${toBase64(bytes).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')}`;

export const fitsCode = (bytes) => bytes.length <= MAX_CODED;

/** The letter of a code and its bytes, whatever stands before the `#`. */
export function readCode(text) {
  const [, letter, digits] = CODE.exec(text) ?? [];
  if (letter === undefined) throw new Refusal('bad-code', { reason: 'form' });
  if (Math.floor((digits.length * 3) / 4) > MAX_CODED) throw new Refusal('bad-code', { reason: 'too-large' });
  try {
    const base64 = digits.replaceAll('-', '+').replaceAll('_', '/');
    return { letter, bytes: fromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')) };
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal('bad-code', { reason: 'base64' });
    throw error;
  }
}

// --- invitations (§2) ----------------------------------------------------------------------------------------------

/**
 * @param {Uint8Array} bytes
 * @returns {{log: object, bureau: object, trust: string, urls: string[], rehearsal: boolean, digest: string}}
 */
export function readInvitation(bytes) {
  const bad = (reason) => new Refusal('bad-invitation', { reason });
  const [header, lines] = linesOf(bytes, bad);
  if (header !== INVITATION) throw bad('header');
  const words = lines.map(([word]) => word).join(' ');
  if (!/^log bureau trust(?: url)*$/.test(words)) throw bad('lines');
  const [log, bureau, trust, ...urls] = lines.map(([, rest]) => rest);
  if (!/^[0-9a-f]{64}$/.test(trust)) throw bad('trust');
  if (urls.length > MAX_URLS || new Set(urls).size < urls.length || !urls.every(isAddress)) throw bad('url');
  const told = { log: keyOf(log, ED25519, bad), bureau: keyOf(bureau, ED25519, bad), trust, urls };
  if (sameBytes(told.log.key, told.bureau.key)) throw bad('one-key-twice');
  return { ...told, rehearsal: rehearsalOf([told.log.name, told.bureau.name], bad), digest: sha256hex(bytes) };
}

/** Neither user nor query nor fragment nor a hidden folder: an address must be what it looks like. */
function isAddress(url) {
  const match = URL_FORM.exec(url);
  return match !== null && url.length <= MAX_URL && Number(match[1] ?? 0) <= MAX_PORT;
}

// --- enrolments (§3) -----------------------------------------------------------------------------------------------

/** The text that a phone signs to be enrolled. */
export function enrolmentText({ log, role, supervisor, witness = null }) {
  const lines = [ENROLMENT, `log ${log}`, `role ${role}`, `supervisor ${supervisor}`];
  if (witness) lines.push(`witness ${witness}`);
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * @param {Uint8Array} bytes
 * @returns {{log: string, role: string, supervisor: object, witness: ?object, rehearsal: boolean, digest: string}}
 */
export function readEnrolment(bytes) {
  const bad = (reason) => new Refusal('bad-enrolment', { reason });
  if (bytes.length > MAX_CODED) throw bad('too-large');
  const note = noteOf(bytes, bad);
  const signed = utf8(note.text);
  const [header, lines] = linesOf(signed, bad);
  if (header !== ENROLMENT) throw bad('header');
  if (!/^log role supervisor(?: witness)?$/.test(lines.map(([word]) => word).join(' '))) throw bad('lines');
  const [log, role, own, cosigner] = lines.map(([, rest]) => rest);
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(role) || log.includes('+')) throw bad('lines');
  const supervisor = keyOf(own, ED25519, bad);
  const witness = cosigner === undefined ? null : keyOf(cosigner, COSIGNATURE, bad);
  if (witness && witness.name !== supervisor.name) throw bad('two-names');
  if (witness && sameBytes(witness.key, supervisor.key)) throw bad('one-key-twice');
  const rehearsal = rehearsalOf([log, supervisor.name], bad);
  const [line, ...more] = note.lines;
  if (more.length || !isLineOf(supervisor, line) || !verifyLine(supervisor, note.text, line.signature)) {
    throw bad('signature'); // else anybody could enrol somebody else's key, in a role of one's own choice
  }
  return { log, role, supervisor, witness, rehearsal, digest: sha256hex(signed) };
}

// --- what both have ------------------------------------------------------------------------------------------------

/** The first line, and of each further one its first word and the rest. */
function linesOf(bytes, bad) {
  if (bytes.length > MAX_CODED) throw bad('too-large');
  let lines;
  try {
    lines = decode(bytes).split('\n');
  } catch {
    throw bad('lines');
  }
  if (lines.length < 2 || lines.pop() !== '') throw bad('lines');
  const [header, ...rest] = lines;
  return [header, rest.map((line) => pairOf(line, bad))];
}

function pairOf(line, bad) {
  const gap = line.indexOf(' ');
  const rest = line.slice(gap + 1);
  if (gap < 0 || !WORD.test(rest)) throw bad('lines');
  return [line.slice(0, gap), rest];
}

function noteOf(bytes, bad) {
  try {
    return parseNote(bytes);
  } catch (error) {
    if (error instanceof Refusal) throw bad('note');
    throw error;
  }
}

function keyOf(vkey, type, bad) {
  let key;
  try {
    key = parseVkey(vkey);
  } catch (error) {
    if (error instanceof Refusal) throw bad('key');
    throw error;
  }
  if (key.type !== type) throw bad('key');
  return key;
}

/** Whether this is a rehearsal: a mixture would make practice look like the real thing. */
function rehearsalOf(names, bad) {
  const practised = names.map((name) => name.endsWith(REHEARSAL));
  if (practised.some((one) => one !== practised[0])) throw bad('rehearsal-mixed');
  return practised[0];
}
