/** The files that people hold: a whole draw's proof, and one row's (specs/bundle.md §1, specs/slip.md §1). */

import { parse } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { count, fieldName, hash, listOf, name, nullOr, number, oneOf, pulse, record, text } from './values.mjs';

const MAX_BYTES = 2 ** 30;
const MAX_CHECKPOINTS = 1000;
const MAX_ENTRIES = 100_000;

const base64 = text(); // decoded by whoever needs the bytes
const path = record({ line: base64, index: count, hashes: listOf(hash) });
const opening = record({ field: fieldName, no: number, path: listOf(hash), salt: hash, value: text() });

const COMMON = {
  v: oneOf(0),
  type: text(),
  log: name,
  bureau: name,
  announcement: hash,
  draw: nullOr(hash),
  checkpoint: base64,
  checkpoints: listOf(record({ checkpoint: base64, consistency: listOf(hash) }), { most: MAX_CHECKPOINTS }),
  entries: listOf(record({ note: base64, proof: base64 }), { least: 1, most: MAX_ENTRIES }),
  artifacts: listOf(record({ digest: hash, data: base64 })),
};

const FILES = new Map([
  ['bundle', record({ ...COMMON, pulses: listOf(pulse), embargo: nullOr(hash) })],
  [
    'slip',
    record({
      ...COMMON,
      registry: oneOf('objects', 'inspectors'),
      no: number,
      row: path,
      strata: listOf(path),
      exclusions: base64,
      teams: listOf(path),
      own: listOf(opening),
    }),
  ],
]);

/**
 * A bundle or a slip.
 * @param {Uint8Array} bytes
 * @returns {object} its fields; a slip has no pulses beside its draw, and no embargo key of a depositary
 */
export function readFile(bytes) {
  if (bytes.length > MAX_BYTES) throw new Refusal('bundle-too-large', { expected: MAX_BYTES, found: bytes.length });
  if (bytes[bytes.length - 1] !== 0x0a) throw new Refusal('not-a-bundle', { reason: 'unfinished-line' });
  try {
    const value = parse(bytes.subarray(0, -1));
    const shape = FILES.get(value?.type);
    if (!shape) throw new Refusal('unknown-type', { field: 'type' });
    shape(value, '');
    return value.type === 'slip' ? Object.assign(value, { pulses: [], embargo: null }) : value;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal('not-a-bundle', { ...error.params, reason: error.code });
  }
}
