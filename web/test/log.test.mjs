import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openCheckpoint } from '../src/core/checkpoint.mjs';
import { toBase64, toHex, utf8 } from '../src/core/encoding.mjs';
import { openFrozen, readFork } from '../src/core/frozen.mjs';
import { leafHash, rootOf } from '../src/core/merkle.mjs';
import { parseVkey } from '../src/core/note.mjs';
import { headText, join, noteOf, signer } from './signing.mjs';
import { refuses, runVectors } from './vectors.mjs';

runVectors('log', (item) => {
  const vkey = parseVkey(item.vkey);
  if ('fork' in item) return assert.deepEqual(readFork(utf8(item.fork), vkey).sizes, item.sizes);
  const end = openFrozen(utf8(item.frozen), [vkey]);
  assert.equal(end.size, item.size);
  assert.equal(toHex(end.root), item.root);
});

const log = signer('log.example.cn/jinan');
const rootAt = (size) => rootOf(Array.from({ length: size }, (_, i) => leafHash(utf8(`${i}`))));
const head = (size, root = rootAt(size)) => headText(log.name, size, root);
const signed = (text) => noteOf(text, log.line(text));
const frozenNote = (size) => signed(`frozen/v1\n${head(size)}`);

test('an end is no checkpoint, and a checkpoint no end', () => {
  refuses('extension-line', () => openCheckpoint(frozenNote(4), [log.vkey]));
  refuses('not-frozen', () => openFrozen(signed(head(4)), [log.vkey]));
});

const evidence = (small, large, proof = []) =>
  join(utf8(`${['fork/v1', ...proof].join('\n')}\n\n`), signed(small), utf8('\n'), signed(large));

test('a root of the empty tree that is none convicts', () => {
  const bytes = evidence(head(0, rootAt(1)), head(3));
  assert.deepEqual(readFork(bytes, log.vkey).sizes, [0, 3]);
  refuses('not-a-fork', () => readFork(evidence(head(0), head(3)), log.vkey));
});

test('evidence has one spelling', () => {
  const [low, high] = [rootAt(1), rootAt(2)].sort(Buffer.compare);
  readFork(evidence(head(3, low), head(3, high)), log.vkey);
  refuses('evidence-order', () => readFork(evidence(head(3, high), head(3, low)), log.vkey));
  const spare = [`root ${toBase64(low)}`];
  refuses('evidence-format', () => readFork(evidence(head(3, low), head(3, high), spare), log.vkey));
  const good = evidence(head(3, low), head(3, high));
  refuses('evidence-format', () => readFork(join(good, utf8('\n')), log.vkey));
  refuses('evidence-length', () => readFork(join(good, new Uint8Array(65536)), log.vkey));
  for (let at = 0; at < good.length; at++) {
    const bent = good.slice();
    bent[at] ^= 1;
    assert.throws(() => readFork(bent, log.vkey), { name: 'Refusal' });
    assert.throws(() => readFork(good.slice(0, at), log.vkey), { name: 'Refusal' });
  }
});
