/** Opening a file: its format, the reader's trust, the log's signatures (specs/verification.md §3, no. 1 to 4, 13). */

import { EVENTS_ID, isNist } from '../core/beacon.mjs';
import { cosignatures, openCheckpoint, parseProof } from '../core/checkpoint.mjs';
import { fromBase64, fromHex, sameBytes, sha256hex, toHex } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { checkConsistency, leafHash, sameHash } from '../core/merkle.mjs';
import { parseNote } from '../core/note.mjs';
import { readEntry } from '../core/statement.mjs';
import { parseTreeHead } from '../core/treehead.mjs';
import { prefixOf } from './history.mjs';
import { refusedAs, why } from './report.mjs';
import { rootsAt } from './tree.mjs';

// --- 1 format ------------------------------------------------------------------------------------------------------

/** Read every entry with its proof, and find the announcement and the draw. */
export function format(kase) {
  const { file } = kase;
  const final = refusedAs('bad-checkpoint', {}, () => readHead(fromBase64(file.checkpoint)));
  const seen = new Set();
  kase.items = file.entries.map(({ note, proof }, i) => {
    const item = refusedAs('bad-entry', { entry: i }, () => openEntry(fromBase64(note), parseProof(fromBase64(proof))));
    if (!sameBytes(item.proof.checkpoint, final)) throw new CheckFails('another-checkpoint', { entry: i });
    if (seen.has(item.hash)) throw new CheckFails('entry-twice', { entry: i });
    seen.add(item.hash);
    return item;
  });
  kase.items.sort((a, b) => a.index - b.index);
  needOf(kase, file.announcement, 'announcement');
  if (file.draw !== null) needOf(kase, file.draw, 'draw');
  readArtifacts(kase);
  return { artifacts: file.artifacts.length, entries: file.entries.length };
}

/** The bytes of a checkpoint that can be read; an extension line is for `log-signature` to refuse. */
function readHead(bytes) {
  const lines = parseNote(bytes).text.split('\n');
  if (lines.slice(0, -1).includes('')) throw new Refusal('lines');
  parseTreeHead(lines.length > 3 ? `${lines.slice(0, 3).join('\n')}\n` : lines.join('\n'));
  return bytes;
}

/** Decode the artifacts. Of those that the draw itself is made from, a check tells which one was altered. */
function readArtifacts(kase) {
  const compared = inputsOf(kase, new Map(kase.items.map((item) => [item.hash, item])));
  for (const { digest, data } of kase.file.artifacts) {
    refusedAs('bad-artifact', { digest }, () => {
      const bytes = fromBase64(data);
      if (kase.artifacts.has(digest)) throw new Refusal('said-twice');
      if (!compared.has(digest) && sha256hex(bytes) !== digest) throw new Refusal('wrong-digest');
      kase.artifacts.set(digest, bytes);
    });
  }
}

/** The digests that announcement and draw, their snapshots, sources and pulses name. */
export function inputsOf({ announced, draw, file, trust: own }, byText) {
  const snapshots = [announced.objects, announced.inspectors, ...announced.joint].map(({ text }) => byText.get(text));
  const pulses = [...file.pulses, ...(draw?.statement.pulses ?? [])];
  const documented = announced.beacon.filter(({ beacon }) => isDocumented(beacon, own.beacons.get(beacon)));
  return new Set([
    announced.recusals.digest,
    announced.exclusions.digest,
    announced.regulation?.digest,
    draw?.statement.results.digest,
    ...snapshots.map((snapshot) => snapshot?.statement.roster?.digest),
    ...documented.map(({ hash }) => hash),
    ...pulses.map(({ signature }) => signature),
  ]);
}

const isDocumented = (beacon, chain) => beacon === EVENTS_ID || (chain !== undefined && isNist(chain));

/** Whatever a statement names as an artifact: by digest and length. */
export function digestsIn(value) {
  if (value === null || typeof value !== 'object') return [];
  const below = Object.values(value).flatMap(digestsIn);
  return typeof value.digest === 'string' && 'length' in value ? [value.digest, ...below] : below;
}

function openEntry(note, proof) {
  const entry = readEntry(note);
  return { index: proof.index, proof, entry, hash: entry.hash, statement: entry.statement, objection: null };
}

function needOf(kase, text, type) {
  const item = kase.items.find(({ hash, statement }) => hash === text && statement.type === type);
  if (!item) throw new CheckFails('entry-missing', { text });
  const { by } = item.statement;
  if (by !== kase.file.bureau) throw new CheckFails('not-the-bureaus', { index: item.index, found: by });
}

// --- 2 trust -------------------------------------------------------------------------------------------------------

/** Whether the reader knows log and bureau; nothing of that is ever taken from the file. */
export function trust({ file, trust: own }) {
  for (const found of [file.log, file.bureau]) {
    // Else a draw that was only practised could be passed off as real, or a real one be denied.
    if (found.endsWith('/rehearsal') !== own.rehearsal) {
      throw new CheckFails('rehearsal-mixed', { expected: own.rehearsal, found });
    }
  }
  if (!own.logs.some(({ name }) => name === file.log)) throw new CheckFails('unknown-log', { found: file.log });
  if (!own.bureaus.some(({ name, origin }) => name === file.bureau && origin === file.log)) {
    throw new CheckFails('unknown-bureau', { found: file.bureau, log: file.log });
  }
  return { bureau: file.bureau, log: file.log, trust: own.digest };
}

// --- 3 log-signature -----------------------------------------------------------------------------------------------

/** Open the final checkpoint and the earlier ones under the log's key. */
export function logSignature(kase) {
  const { file } = kase;
  const open = (base64) => openSigned(kase, refusedAs('bad-checkpoint', {}, () => fromBase64(base64)));
  kase.final = open(file.checkpoint);
  kase.earlier = file.checkpoints.map(({ checkpoint, consistency }) => ({ ...open(checkpoint), consistency }));
  const { root, size } = kase.final;
  return { earlier: kase.earlier.map((one) => one.size), root: toHex(root), size };
}

/** A checkpoint that the log signed, with the cosignatures that count (specs/verification.md §2.1). */
export function openSigned(kase, bytes) {
  const { trust: own, file, asOf } = kase;
  const keys = own.logs.filter(({ name }) => name === file.log);
  try {
    const opened = openCheckpoint(bytes, keys);
    const lines = cosignatures(opened, own.witnesses);
    const counted = lines.filter(({ time }) => time <= asOf);
    return { size: opened.size, root: opened.root, cosignatures: counted, leftOut: lines.length > counted.length };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Witnesses vouch for the tree alone; what else a log could say there would be said to some and not to others.
    if (error.code === 'extension-line') throw new CheckFails('wrong-origin', { expected: file.log, why: why(error) });
    throw new CheckFails('bad-checkpoint', { why: why(error) });
  }
}

// --- 4 witness-quorum ----------------------------------------------------------------------------------------------

/** Whether enough witnesses cosigned the final checkpoint. */
export function witnessQuorum(kase) {
  const { trust: own, final } = kase;
  if (own.quorum === null) throw new CannotTell('no-quorum-line');
  const { order } = prefixOf(own, final.size, final.cosignatures);
  const present = new Set(final.cosignatures.map(({ witness }) => witness.name));
  const missing = own.witnesses.map(({ name }) => name).filter((name) => !present.has(name));
  if (order === null) {
    if (final.leftOut) throw new CannotTell('after-as-of', { size: final.size });
    throw new CheckFails('quorum-missing', { missing, size: final.size });
  }
  return { missing, time: order, to_backdate: own.backdaters, to_fork: own.forkers };
}

// --- 13 append-only ------------------------------------------------------------------------------------------------

/** The checkpoints that are proven to be prefixes of the final one, itself included, and what refutes the others. */
export function proven(kase) {
  return kase.once('proven', () => {
    const { final } = kase;
    const refuted = [];
    const checkpoints = kase.earlier.filter(({ size, root, consistency }) => {
      try {
        const proof = consistency.map(fromHex);
        checkConsistency({ size1: size, root1: root, size2: final.size, root2: final.root, proof });
        return true;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refuted.push(`${size}: ${why(error)}`);
        return false;
      }
    });
    return { checkpoints: [...checkpoints, final], refuted };
  });
}

export const prefixesOf = (kase) =>
  proven(kase).checkpoints.map(({ size, cosignatures: lines }) => prefixOf(kase.trust, size, lines));

/** Whether the log only grew, by the proofs and, where there is one, by the whole log. */
export function appendOnly(kase) {
  const { checkpoints, refuted } = proven(kase);
  if (refuted.length > 0) throw new CheckFails('not-a-prefix', { found: refuted });
  const evidence = { checkpoints: checkpoints.map(({ size }) => size) };
  if (kase.log === null) return evidence;
  const log = kase.log.entries.length;
  needRoots(kase, checkpoints.filter(({ size }) => size <= log));
  // An old copy and a log that was rolled back look the same.
  if (log < kase.final.size) throw new CannotTell('log-behind', { expected: kase.final.size, found: log });
  return { ...evidence, log };
}

/** Refuse a log whose entries are not those that these checkpoints were signed over. */
export function needRoots(kase, checkpoints) {
  const { entries } = kase.log;
  const leaves = kase.once('leaves', () => entries.map((bytes) => (bytes === null ? null : leafHash(bytes))));
  const roots = rootsAt(leaves, new Set(checkpoints.map(({ size }) => size)));
  for (const { size, root } of checkpoints) {
    const found = roots.get(size);
    if (!sameHash(found, root)) throw new CheckFails('forked', { expected: toHex(root), found: toHex(found), size });
  }
}
