/** What is committed in cli/fairdraw_cli/static is what the sources make, and nothing else. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WEB = new URL('../', import.meta.url);
const STATIC = new URL('../../cli/fairdraw_cli/static/', import.meta.url);
const read = (name) => readFileSync(new URL(name, STATIC), 'utf8');
const digest = (algorithm, text, encoding) => createHash(algorithm).update(text).digest(encoding);

test('the committed pages are what the sources make: npm run build', () => {
  const { status, stderr } = spawnSync(process.execPath, ['build.mjs', '--check'], {
    cwd: fileURLToPath(WEB),
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.equal(status, 0);
});

test('BUNDLE.json names every file with its hashes, and the lock file', () => {
  const { version, files, lock } = JSON.parse(read('BUNDLE.json'));
  const there = readdirSync(STATIC)
    .filter((name) => name !== 'BUNDLE.json')
    .sort();
  assert.deepEqual(Object.keys(files).sort(), there);
  for (const [name, { length, sha256, sri }] of Object.entries(files)) {
    const text = read(name);
    assert.equal(length, Buffer.byteLength(text), name);
    assert.equal(sha256, digest('sha256', text, 'hex'), name);
    assert.equal(sri, `sha384-${digest('sha384', text, 'base64')}`, name);
  }
  assert.equal(lock, digest('sha256', readFileSync(new URL('package-lock.json', WEB)), 'hex'));
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

test('the verifier page is one file: its policy allows its own script and style by hash, and it names no other', () => {
  const page = read('verify.html');
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page);
  const [, script] = /<script>([\s\S]*)<\/script>/.exec(page);
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(page);
  assert.ok(policy.includes(`script-src 'sha256-${digest('sha256', script, 'base64')}';`));
  assert.ok(policy.includes(`style-src 'sha256-${digest('sha256', style, 'base64')}';`));
  assert.ok(policy.startsWith("default-src 'none';"));
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(script, read('fairdraw.js'));
  const beside = page.replace(script, '').replace(style, '');
  assert.deepEqual(beside.match(/(?:src|href|srcset|action|data)="[^"]*"/g), ['href="data:,"']);
  assert.doesNotMatch(style, /url\(|@import/);
  assert.doesNotMatch(page.replace(script, ''), / on[a-z]+=| style=/);
});

test('nothing of the script is newer than the browsers that it is for', () => {
  const script = read('fairdraw.js');
  const newer =
    /\.(?:toSorted|toReversed|toSpliced|isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(|withResolvers|groupBy\(|fromAsync|Promise\.try|navigator\.clipboard/g;
  assert.deepEqual(script.match(newer) ?? [], []);
});

test('the notices of every package in the script are there', () => {
  const notices = read('THIRD_PARTY_LICENSES.txt');
  for (const name of ['@noble/curves', '@noble/hashes', '@noble/post-quantum']) {
    assert.ok(
      notices.includes(
        `${name} ${JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, WEB))).version}\n`,
      ),
      name,
    );
  }
  assert.equal(notices.match(/Permission is hereby granted/g).length, 3);
});
