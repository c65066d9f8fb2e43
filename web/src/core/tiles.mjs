/**
 * The files of a log (specs/log.md, tlog-tiles): where they are, and reading a whole log from anything that has files.
 * Nothing is hashed or verified here: what is read is a claim until a verification has tried it.
 */

import { text } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { parseNote } from './note.mjs';
import { parseSize, parseTreeHead } from './treehead.mjs';

const TILE_WIDTH = 256;
const READS_AT_ONCE = 8; // a browser opens six connections to one host; more would only wait there
const MAX_ENTRY = 65535;

/** The path of tile `number`, its number in groups of three digits (tlog-tiles). */
function tilePath(kind, number, width) {
  const digits = String(number);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g);
  const last = groups.pop();
  const path = ['tile', kind, ...groups.map((group) => `x${group}`), last].join('/');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

/** Entries `number` · 256 and following. */
export const bundlePath = (number, width = TILE_WIDTH) => tilePath('entries', number, width);

/** Hashes of a level of the tree. */
export const hashTilePath = (level, number, width = TILE_WIDTH) => tilePath(level, number, width);

/**
 * The first `count` entries of an entry bundle: 16 bits of length before each, and nothing after the last.
 * @param {Uint8Array} bytes
 */
export function readBundle(bytes, count) {
  const entries = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) throw new Refusal('bundle-truncated');
    const end = at + 2 + (bytes[at] << 8) + bytes[at + 1];
    if (end > bytes.length) throw new Refusal('bundle-truncated');
    if (end === at + 2) throw new Refusal('entry-length', { expected: MAX_ENTRY, found: 0 });
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== count && entries.length !== TILE_WIDTH) {
    throw new Refusal('bundle-length', { expected: count, found: entries.length });
  }
  return entries.slice(0, count);
}

/** The sizes in `cosigned/index`: rising decimals, each ended by LF (specs/log.md §3). */
export function readIndex(bytes) {
  const refusal = new Refusal('index-format', { path: 'cosigned/index' });
  const lines = text(bytes).split('\n');
  if (lines.pop() !== '') throw refusal;
  let before = -1;
  return lines.map((line) => {
    if (!/^(?:0|[1-9][0-9]*)$/.test(line) || !(Number(line) > before)) throw refusal;
    before = parseSize(line);
    return before;
  });
}

/**
 * Read a whole log. `read` gives the bytes of a file, or null where there is none.
 *
 * The entries end where the next ones cannot be had, so a log that shows a checkpoint and hides what is below has fewer
 * entries than that checkpoint says, which a verification takes for what it is. A size of `cosigned/index` without its
 * file is passed over: one checkpoint less can make no check hold.
 *
 * @param {(path: string) => Promise<?Uint8Array>} read
 * @param {{progress?: ?(done: number, total: number) => void}} [options]
 * @returns {Promise<{entries: Uint8Array[], checkpoints: Uint8Array[], frozen: ?Uint8Array,
 *   artifact: (hex: string) => Promise<?Uint8Array>}>}
 */
export async function readLog(read, { progress = null } = {}) {
  const newest = await read('checkpoint');
  if (newest === null) throw new Refusal('missing', { path: 'checkpoint' });
  const index = await read('cosigned/index');
  const sizes = index === null ? [] : readIndex(index);
  const cosigned = await inParallel(sizes, (size) => read(`cosigned/${size}`));
  const checkpoints = [...cosigned.filter((bytes) => bytes !== null), newest];
  const size = checkpoints.reduce((most, bytes) => Math.max(most, sizeOf(bytes)), 0);
  const frozen = await read('frozen');
  const entries = await readEntries(read, size, progress);
  return { entries, checkpoints, frozen, artifact: (hex) => read(`artifact/${hex}`) };
}

/** The size that a checkpoint claims; what is none is for the verification to refuse. */
function sizeOf(bytes) {
  try {
    return parseTreeHead(parseNote(bytes).text).size;
  } catch (error) {
    if (error instanceof Refusal) return 0;
    throw error;
  }
}

async function readEntries(read, size, progress) {
  const entries = [];
  const bundles = Math.ceil(size / TILE_WIDTH);
  // By batches, each after the last one came whole: who claims a size must serve it, or the reader stops.
  for (let first = 0; first < bundles; first += READS_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(READS_AT_ONCE, bundles - first) }, (_, i) => first + i);
    const batch = await inParallel(numbers, (number) => readNumbered(read, number, size - number * TILE_WIDTH));
    for (const bundle of batch) {
      if (bundle === null) return entries;
      entries.push(...bundle);
    }
    progress?.(entries.length, size);
  }
  return entries;
}

/** The entries of one bundle, or null; a partial one may be gone once the full one is there (specs/log.md §2). */
async function readNumbered(read, number, left) {
  const width = Math.min(TILE_WIDTH, left);
  for (const asked of width === TILE_WIDTH ? [width] : [width, TILE_WIDTH]) {
    const bytes = await read(bundlePath(number, asked));
    if (bytes === null) continue;
    try {
      return readBundle(bytes, width);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return null;
}

async function inParallel(items, act) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await act(items[at]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, items.length) }, worker));
  return results;
}
