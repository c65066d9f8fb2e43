import assert from 'node:assert/strict';
import { test } from 'node:test';

import { utf8 } from '../src/core/encoding.mjs';
import { EMPTY_ROOT } from '../src/core/merkle.mjs';
import { bundlePath, hashTilePath, readBundle, readIndex, readLog } from '../src/core/tiles.mjs';
import { headText, join, noteOf, signer } from './signing.mjs';
import { refuses } from './vectors.mjs';

const log = signer('log.example.cn/jinan');
const entry = (i) => utf8(`entry ${i}`);
const framed = (bytes) => join([bytes.length >> 8, bytes.length & 255], bytes);
const checkpoint = (size) => {
  const text = headText('log.example.cn/jinan', size, EMPTY_ROOT);
  return noteOf(text, log.line(text));
};
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** The files of a log of this size, as a writer leaves them. */
function filesOf(size, cosigned = []) {
  const files = new Map([['checkpoint', checkpoint(size)]]);
  for (let first = 0; first < size; first += 256) {
    const end = Math.min(first + 256, size);
    files.set(bundlePath(first / 256, end - first), join(...range(first, end).map((i) => framed(entry(i)))));
  }
  files.set('cosigned/index', utf8(cosigned.map((one) => `${one}\n`).join('')));
  for (const one of cosigned) files.set(`cosigned/${one}`, checkpoint(one));
  return files;
}

const reader = (files, asked = []) => async (path) => {
  asked.push(path);
  return files.get(path) ?? null;
};

test('paths of tiles', () => {
  assert.equal(bundlePath(0), 'tile/entries/000');
  assert.equal(bundlePath(1000), 'tile/entries/x001/000');
  assert.equal(bundlePath(1234067, 17), 'tile/entries/x001/x234/067.p/17');
  assert.equal(hashTilePath(2, 0, 1), 'tile/2/000.p/1');
});

test('a whole log is read, entry by entry', async () => {
  for (const size of [0, 1, 255, 256, 257, 700, 256 * 9 + 3]) {
    const told = [];
    const { entries, checkpoints, frozen } = await readLog(reader(filesOf(size, size > 1 ? [1, size] : [])), {
      progress: (...at) => told.push(at),
    });
    assert.deepEqual(entries, range(0, size).map(entry));
    assert.equal(checkpoints.length, size > 1 ? 3 : 1);
    assert.equal(frozen, null);
    if (size) assert.deepEqual(told.at(-1), [size, size]);
  }
});

test('artifacts are read when they are asked for', async () => {
  const files = filesOf(1);
  files.set('artifact/ab', utf8('x'));
  files.set('frozen', utf8('the end'));
  const { artifact, frozen } = await readLog(reader(files));
  assert.deepEqual(await artifact('ab'), utf8('x'));
  assert.equal(await artifact('cd'), null);
  assert.deepEqual(frozen, utf8('the end'));
});

test('a partial bundle that is gone is read from the full one', async () => {
  const files = filesOf(512);
  files.set('checkpoint', checkpoint(300));
  assert.deepEqual((await readLog(reader(files))).entries, range(0, 300).map(entry));
});

test('the entries end where the next cannot be had', async () => {
  const files = filesOf(700);
  const path = bundlePath(1);
  const whole = files.get(path);
  for (const bad of [null, whole.slice(0, -1), join(whole, [0]), join(whole, framed(entry(0))), join(whole, [0, 0])]) {
    bad ? files.set(path, bad) : files.delete(path);
    assert.equal((await readLog(reader(files))).entries.length, 256);
  }
});

test('a size that is only claimed costs few reads', async () => {
  const files = filesOf(3);
  files.set('checkpoint', checkpoint(2 ** 53 - 1));
  const asked = [];
  const { entries } = await readLog(reader(files, asked));
  assert.equal(entries.length, 0);
  assert.ok(asked.length < 20);
});

test('a cosigned checkpoint above the newest is read up to, and one without its file passed over', async () => {
  const files = filesOf(5, [2, 5]);
  files.set('checkpoint', checkpoint(2));
  assert.equal((await readLog(reader(files))).entries.length, 5);
  files.delete('cosigned/5');
  const { entries, checkpoints } = await readLog(reader(files));
  assert.deepEqual([entries.length, checkpoints.length], [0, 2]); // the partial tile of two entries is not there
});

test('a folder without a checkpoint is no log', async () => {
  await assert.rejects(readLog(reader(new Map())), { name: 'Refusal', code: 'missing' });
});

test('a checkpoint that is none is left to the verification', async () => {
  const files = filesOf(5, [5]);
  files.set('checkpoint', utf8('hello'));
  const { entries, checkpoints } = await readLog(reader(files));
  assert.deepEqual([entries.length, checkpoints.length], [5, 2]);
});

test('an entry bundle has as many entries as were asked for, and nothing else', () => {
  const bundle = join(framed(entry(0)), framed(entry(1)));
  assert.deepEqual(readBundle(bundle, 2), [entry(0), entry(1)]);
  assert.deepEqual(readBundle(framed(new Uint8Array(65535)), 1)[0].length, 65535);
  refuses('bundle-length', () => readBundle(bundle, 1));
  refuses('bundle-length', () => readBundle(bundle, 3));
  refuses('bundle-length', () => readBundle(new Uint8Array(0), 1));
  for (let cut = 1; cut < bundle.length; cut++) {
    if (cut !== framed(entry(0)).length) refuses('bundle-truncated', () => readBundle(bundle.slice(0, cut), 1));
  }
  refuses('entry-length', () => readBundle(join([0, 0], bundle), 3));
});

test('the index has rising decimals, one a line', () => {
  assert.deepEqual(readIndex(utf8('0\n3\n12\n')), [0, 3, 12]);
  assert.deepEqual(readIndex(new Uint8Array(0)), []);
  for (const bad of ['3', '3\n3\n', '3\n2\n', '03\n', '+3\n', ' 3\n', '3\r\n', '\n', 'x\n', '-1\n', '1e3\n']) {
    refuses('index-format', () => readIndex(utf8(bad)));
  }
});
