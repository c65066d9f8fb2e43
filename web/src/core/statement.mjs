/** A log's entry: a statement's text, its hash, and the lines that sign it (specs/statements.md §1). */

import { sha256hex, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { ED25519, isLineOf, parseNote, parseVkey, verifyLine } from './note.mjs';
import { parseStatement } from './schema.mjs';

const MAX_ENTRY = 65535; // bytes
const MAX_LINES = 16;

/**
 * Read an entry; whether its signatures hold is asked with `checkSignatures`, when it is known whose keys are in force.
 * @param {Uint8Array} bytes
 * @returns {{bytes: Uint8Array, text: string, hash: string, statement: object, lines: object[]}}
 */
export function readEntry(bytes) {
  if (bytes.length > MAX_ENTRY) throw new Refusal('entry-too-large', { expected: MAX_ENTRY, found: bytes.length });
  let note;
  try {
    note = parseNote(bytes, MAX_LINES);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'too-many-signatures') throw error;
    throw new Refusal('not-a-note', { reason: error.code });
  }
  const signed = utf8(note.text);
  return { bytes, text: note.text, hash: sha256hex(signed), statement: parseStatement(signed), lines: note.lines };
}

/**
 * Refuse an entry whose first lines are not those of its signers, each once and valid. Further lines say nothing.
 * A signer whom nobody knows is said last: then all else about the signatures holds (specs/verification.md §3, no. 5).
 * @param {object} entry
 * @param {(name: string) => ?object} keyOf the vkey of a signer or co-signer that is in force, or null
 */
export function checkSignatures({ text, statement, lines }, keyOf) {
  const signers = signersOf(statement, keyOf);
  signers.forEach(({ name, key }, i) => {
    const line = lines[i];
    if (!line || !(key ? isLineOf(key, line) : line.name === name)) throw new Refusal('signature-missing', { name });
    const same = lines.filter((other) => other.name === line.name && other.keyId === line.keyId);
    if (same.length > 1) throw new Refusal('signature-doubled', { name });
    if (key && !verifyLine(key, text, line.signature)) throw new Refusal('signature-invalid', { name });
  });
  const unknown = signers.find(({ key }) => key === null);
  if (unknown) throw new Refusal('unknown-signer', { name: unknown.name });
}

/** Whose lines must stand first, in their order; a `key` statement has the old key's and the new one's. */
function signersOf(statement, keyOf) {
  const signer = (name) => {
    const key = keyOf(name);
    return { name, key: key?.type === ED25519 ? key : null };
  };
  const own = signer(statement.by);
  if (own.key === null) throw new Refusal('unknown-signer', { name: own.name });
  const next = statement.type === 'key' ? [{ name: own.name, key: newKey(statement, own.key) }] : [];
  return [own, ...next, ...statement.with.map(signer)];
}

/** The key that follows (specs/statements.md §3.1): of the same name, and another one. */
function newKey(statement, own) {
  if (statement.old !== own.vkey) throw new Refusal('wrong-old-key', { expected: own.vkey, found: statement.old });
  let key;
  try {
    key = parseVkey(statement.new);
  } catch (error) {
    throw new Refusal('bad-new-key', { found: statement.new, reason: error.code });
  }
  if (key.type !== ED25519 || key.name !== own.name || key.keyId === own.keyId) {
    throw new Refusal('bad-new-key', { found: statement.new });
  }
  return key;
}
