/** The second verifier as a command: its exit codes, and many files at once. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { formatTime, fromBase64, toBase64, utf8 } from '../src/core/encoding.mjs';
import { bytesOf, fullCases } from './files.mjs';

const program = fileURLToPath(new URL('../bin/verify.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fairdraw-'));
after(() => rmSync(folder, { recursive: true }));

const cases = fullCases('bundle');
const named = (name) => cases.find((item) => item.name === name);
const plain = named('plain');

const write = (name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const run = (args, input = '') => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', input });

const file = write('file', bytesOf(plain));
const trust = write('trust', plain.trust);
const asOf = ['--as-of', formatTime(plain.as_of)];

function writeLog({ entries, checkpoints }) {
  const log = join(folder, 'log');
  mkdirSync(join(log, 'tile/entries/000.p'), { recursive: true });
  mkdirSync(join(log, 'cosigned'));
  const bytes = entries.map(fromBase64);
  const bundle = Buffer.concat(bytes.flatMap((entry) => [Buffer.from([entry.length >> 8, entry.length & 255]), entry]));
  writeFileSync(join(log, `tile/entries/000.p/${bytes.length}`), bundle);
  const heads = checkpoints.map(fromBase64);
  const sizes = heads.map((head) => Buffer.from(head).toString('utf8').split('\n')[1]);
  heads.forEach((head, i) => writeFileSync(join(log, 'cosigned', sizes[i]), head));
  writeFileSync(join(log, 'cosigned/index'), sizes.map((size) => `${size}\n`).join(''));
  writeFileSync(join(log, 'checkpoint'), heads[heads.length - 1]);
  return log;
}

test('0 if all holds, in words or as JSON', () => {
  const log = writeLog(plain.log);
  const { status, stdout } = run([file, '--trust', trust, ...asOf, '--log', log]);
  assert.equal(status, 0);
  assert.match(stdout, /^no-other-draw {2}holds/m);
  const told = run([file, '--trust', trust, ...asOf, '--log', log, '--json']);
  assert.equal(JSON.parse(told.stdout).verdict, 'holds');
});

test('3 if nobody can tell without the log, 0 if nobody asks', () => {
  assert.equal(run([file, '--trust', trust, ...asOf]).status, 3);
  assert.equal(run([file, '--trust', trust, ...asOf, '--bundle-only']).status, 0);
});

test('1 if a check fails', () => {
  const item = named('a quota one more');
  const { status, stdout } = run([write('altered', bytesOf(item)), '--trust', trust, ...asOf, '--bundle-only']);
  assert.equal(status, 1);
  assert.match(stdout, /^quotas {2}fails {2}quota-differs/m);
});

test('2 if something cannot be read, or is asked wrongly', () => {
  for (const args of [
    [write('none', 'nothing'), '--trust', trust],
    [file, '--trust', file],
    [file, '--trust', join(folder, 'missing')],
    [file, '--trust', trust, '--as-of', 'yesterday'],
    [file, '--trust', trust, '--log', folder],
    [file, '--trust', trust, '--openings', trust],
    [file, '--trust', trust, '--unknown'],
    [file],
    [],
  ]) {
    const { status, stdout, stderr } = run(args);
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});

test('a line in, a line out', () => {
  const question = (item, more = {}) => ({
    file: toBase64(bytesOf(item)),
    trust: toBase64(utf8(item.trust)),
    as_of: item.as_of,
    as_of_given: true,
    bundle_only: false,
    openings: null,
    log: null,
    ...more,
  });
  const log = { ...plain.log, artifacts: {} };
  const lines = [
    question(plain, { log }),
    question(plain),
    question(named('version 1')),
    question({ ...plain, trust: 'none' }),
    { ...question(plain), file: null },
  ];
  const { status, stdout } = run(['--serve'], lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const answers = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(status, 0);
  assert.equal(answers[0].report.verdict, 'holds');
  assert.equal(answers[1].report.verdict, 'unknown');
  assert.equal(answers[2].refused.code, 'not-a-bundle');
  assert.equal(answers[3].refused.code, 'not-a-trust-file');
  assert.match(answers[4].fault, /TypeError/);
});
