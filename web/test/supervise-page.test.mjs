/** The phone's page: one file that lets nothing else in, and says everything in both languages. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { parse } from 'smol-toml';

const SOURCES = new URL('../src/supervise/', import.meta.url);
const source = readdirSync(SOURCES)
  .filter((name) => /\.(mjs|html)$/.test(name))
  .map((name) => readFileSync(new URL(name, SOURCES), 'utf8'))
  .join('\n');
const sentences = (lang) =>
  parse(readFileSync(new URL(`../../src/fairdraw/wording/${lang}.toml`, import.meta.url), 'utf8')).supervise;
const [zh, en] = [sentences('zh'), sentences('en')];

/** Codes that a template makes, by what stands before its first field. */
const MADE = [...source.matchAll(/`([a-z-]+-)?\$\{[^}]+\}(-[a-z]+)?`/g)].map(([, before = '', behind = '']) => [before, behind]);
const isMade = (code) =>
  MADE.some(([before, behind]) => (before || behind) && code.startsWith(before) && code.endsWith(behind));

test('what is asked for is there', () => {
  const asked = [
    ...source.matchAll(/\bui\.(?:say|p|title|button|folded|digits)\(\s*(?:[a-z.]+(?:, )?)?'([a-z-]+)'/g),
    ...source.matchAll(/\bthis\.(?:say|p)\('([a-z-]+)'/g),
    ...source.matchAll(/\{supervise\.([a-z-]+)\}/g),
    ...source.matchAll(/\[\s*'([a-z-]+)',\s*(?:ui|String|parseDate|statement|slots|urls|beacon|`#)/g),
  ].map(([, code]) => code);
  assert.ok(asked.length > 80, String(asked.length));
  assert.deepEqual(asked.filter((code) => !(code in zh)), []);
});

test('none is idle, and both languages say the same with the same parameters', () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  const quoted = new Set([...source.matchAll(/['.]([a-z][a-z-]*)['}]/g)].map(([, code]) => code));
  assert.deepEqual(Object.keys(zh).filter((code) => !quoted.has(code) && !isMade(code) && !BELOW.has(code)), []);
  const fields = (text) => [...text.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name).sort();
  for (const code of Object.keys(zh)) assert.deepEqual(fields(zh[code]), fields(en[code]), code);
});

/** What modules of core and page throw, said anew to somebody with a phone in hand. */
const BELOW = new Set(['bad-code', 'bad-invitation', 'frozen-differs', 'entry-unavailable', 'rehearsal-mixed']);

test('the page is one file: its policy allows its own script and style by hash, and it names no other', () => {
  const page = readFileSync(new URL('../../cli/fairdraw_cli/static/supervise.html', import.meta.url), 'utf8');
  const digest = (text) => createHash('sha256').update(text).digest('base64');
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page);
  const [, script] = /<script>([\s\S]*)<\/script>/.exec(page);
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(page);
  assert.ok(policy.includes(`script-src 'sha256-${digest(script)}';`));
  assert.ok(policy.includes(`style-src 'sha256-${digest(style)}';`));
  assert.ok(policy.startsWith("default-src 'none';"));
  assert.ok(policy.includes("require-trusted-types-for 'script'"));
  // The desk's address comes with the invitation: it may be any, and nothing but the script's own requests go there.
  assert.deepEqual(policy.match(/[a-z-]+-src [^;]*https?:[^;]*/g), ["connect-src 'self' http: https:"]);
  assert.doesNotMatch(policy, /unsafe|\*/);
  const beside = page.replace(script, '').replace(style, '');
  assert.deepEqual(beside.match(/(?:src|href|srcset|action|data)="[^"]*"/g), ['href="data:,"']);
  assert.doesNotMatch(style, /url\(|@import/);
  assert.doesNotMatch(page.replace(script, ''), / on[a-z]+=| style=/);
  assert.doesNotMatch(script, /\.innerHTML|insertAdjacentHTML|document\.write|\beval\(/);
});
