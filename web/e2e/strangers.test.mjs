/** What strangers write: in files, names, notes, links, and what a browser remembers. It stays text. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { canonical, fromBase64, toBase64, utf8 } from '../src/core/encoding.mjs';
import { VERIFIER, asFile } from '../test/browser.mjs';
import { bytesOf, fullCases, reportOf } from '../test/files.mjs';
import { drawKey, keyLines, ticket } from '../src/core/tickets.mjs';
import { commands } from '../src/page/lookup.mjs';
import { testsIn } from './browser.mjs';
import { SPITE } from './office.mjs';
import { chooseFile, chooseTrust, isInert, open, shown, stateOf, verify } from './reader.mjs';

const onPage = testsIn();
const PLAIN = fullCases('bundle').find(({ name }) => name === 'plain');
const TEXT = new TextDecoder().decode(bytesOf(PLAIN));

const BIDI = '\u202e\u2066\u200f';
const CODE = `<img/src=x/onerror=window.__pwned=1>`; // without a space, so that it may be a name
const LONG = 'W'.repeat(10_000);

/** Canonical JSON of a value, with a text in it that no canonical JSON has: it stands where NAME does. */
const written = (value, name) => utf8(`${canonical(value).replaceAll('NAME', JSON.stringify(name).slice(1, -1))}\n`);

onPage(
  'names of files',
  async (page) => {
    await open(page);
    for (const name of [CODE, `x${BIDI}nosj.x`, LONG, SPITE[1], SPITE[7], '__proto__', 'a\nb\u0000c', '']) {
      await page.setInputFiles('#choose-trust', asFile(name, utf8(PLAIN.trust)));
      await page.waitForSelector('.trust .hash');
      await page.setInputFiles('#choose-file', asFile(name, bytesOf(PLAIN)));
      await stateOf(page);
      await isInert(page, name.slice(0, 40));
    }
    await page.reload();
    await page.waitForSelector('.trust .hash');
    await isInert(page, 'remembered');
  },
  { width: 320 },
);

/** A note of a log, and of its witnesses, under any names. */
function renamed(checkpoint, name) {
  const [text, signatures] = new TextDecoder().decode(fromBase64(checkpoint)).split('\n\n');
  const lines = text.split('\n');
  const signed = signatures
    .trim()
    .split('\n')
    .map((line) => line.replace(/^— \S+ /, `— ${name} `));
  return toBase64(utf8(`${[name, ...lines.slice(1)].join('\n')}\n\n${signed.join('\n')}\n`));
}

onPage(
  'names of logs, bureaus and signers, in a bundle of somebody whom the reader does not know',
  async (page) => {
    await open(page);
    await chooseTrust(page, PLAIN.trust);
    await page.evaluate(() => document.querySelector('#alone').click());
    for (const name of [
      CODE,
      `log${BIDI}`,
      'W'.repeat(250),
      '__proto__',
      '<h2>核验通过</h2>',
      'javascript:window.__pwned=1',
    ]) {
      const file = { ...PLAIN.file, log: 'NAME', bureau: 'NAME', checkpoint: renamed(PLAIN.file.checkpoint, name) };
      await page.setInputFiles('#choose-file', asFile('x', written(file, name)));
      await page.waitForFunction(() => ['fails', 'error'].includes(document.querySelector('.verdict')?.dataset.state));
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      await isInert(page, name.slice(0, 40));
      assert.equal(await page.locator('[data-state="holds"] h2').count(), 0);
    }
  },
  { width: 320 },
);

onPage(
  'trust files',
  async (page) => {
    await open(page);
    for (const spite of [...SPITE.slice(0, 3), CODE, BIDI, LONG, '\u0000', '\ufeff']) {
      const lines = PLAIN.trust.split('\n');
      for (const trust of [
        [lines[0], spite, ...lines.slice(1)].join('\n'),
        PLAIN.trust.replace(/^witness \S+/m, `witness ${spite}`),
        PLAIN.trust.replace(/^bureau \S+/m, `bureau ${spite}`),
        `${spite}\n${PLAIN.trust}`,
      ]) {
        await page.setInputFiles('#choose-trust', asFile('trust', utf8(trust)));
        await page.waitForFunction(
          () => document.querySelector('.verdict')?.dataset.state === 'error' || document.querySelector('.trust .hash'),
        );
        await isInert(page, trust.slice(0, 60));
      }
    }
  },
  { width: 320 },
);

onPage(
  'openings',
  async (page) => {
    await open(page);
    await chooseTrust(page, PLAIN.trust);
    const opening = { field: 'name', no: 'H-0001', salt: '0'.repeat(64), value: 'x' };
    const attempts = [
      ['field', CODE],
      ['value', SPITE[1]],
      ['field', BIDI],
      ['value', LONG],
      ['no', '__proto__'],
    ];
    for (const [place, [field, spite]] of attempts.entries()) {
      await page.setInputFiles('#choose-openings', asFile(CODE, written({ ...opening, [field]: 'NAME' }, spite)));
      assert.match(await chooseFile(page, bytesOf(PLAIN), `bundle ${place}`), /^(?:error|fails)$/, field);
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      await isInert(page);
      assert.equal(await page.locator('.verdict .body > pre').count(), 0, 'no fault of the page');
    }
  },
  { width: 320 },
);

onPage('files that try the reader: each is refused in words, and none is a fault of the page', async (page) => {
  const bent = {
    'a byte-order mark': `\ufeff${TEXT}`,
    'a field twice': TEXT.replace('"v":0', '"v":0,"v":0'),
    'a number with a point': TEXT.replace('"v":0', '"v":0.0'),
    'minus zero': TEXT.replace('"v":0', '"v":-0'),
    'an exponent': TEXT.replace('"v":0', '"v":0e0'),
    'a number beyond 2^53': TEXT.replace('"v":0', '"v":9007199254740993'),
    'a lone surrogate': TEXT.replace('"type":"bundle"', '"type":"\\ud800"'),
    __proto__: TEXT.replace('{"announcement"', '{"__proto__":{"draw":null},"announcement"'),
    constructor: TEXT.replace('"bureau":', '"constructor":1,"bureau":'),
    'a nesting bomb': '['.repeat(200_000),
    'a nesting bomb behind the beginning': `{"announcement":${'{"a":'.repeat(100_000)}`,
    'a long string': `{"announcement":"${'a'.repeat(5_000_000)}"}\n`,
    HTML: '<!DOCTYPE html><script>window.__pwned=1</script>',
    'no text': '\u0000\u0001\u0002',
    'two bundles': TEXT + TEXT,
  };
  await open(page);
  await chooseTrust(page, PLAIN.trust);
  for (const [name, text] of Object.entries(bent)) {
    await chooseFile(page, bytesOf(PLAIN), `before ${name}`);
    await page.setInputFiles('#choose-file', asFile(name, utf8(text)));
    await page.waitForSelector('.verdict[data-state="error"]');
    assert.equal(await page.locator('.verdict .body > pre').count(), 0, `${name}: no fault of the page`);
    assert.match(await shown(page, '.verdict'), /[\u4e00-\u9fff]{4}/, name);
    await isInert(page, name);
  }
});

onPage(
  'text that is pasted',
  async (page) => {
    await open(page);
    await chooseTrust(page, PLAIN.trust);
    for (const text of [
      ...SPITE,
      `${TEXT.slice(0, 100)}${CODE}`,
      '#z=1',
      `#z=11${'9'.repeat(100_000)}`,
      `x#z=110000${BIDI}`,
    ]) {
      await page.evaluate((pasted) => {
        const data = new DataTransfer();
        data.setData('text/html', pasted);
        data.setData('text/plain', pasted);
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
      }, text);
      await page.waitForSelector('.verdict[data-state="error"]');
      await isInert(page, text.slice(0, 40));
      await chooseFile(page, bytesOf(PLAIN), `after ${text.length}`);
    }
  },
  { width: 320 },
);

onPage(
  'links',
  async (page) => {
    for (const fragment of [
      CODE,
      encodeURIComponent(SPITE[1]),
      `${'f'.repeat(64)}.${CODE}`,
      `${'f'.repeat(64)}.${'W'.repeat(41)}`,
      'z=',
      'z=x',
      '__proto__',
      LONG,
    ]) {
      await page.goto('about:blank');
      await page.goto(`${VERIFIER}#${fragment}`);
      await page.waitForSelector('#notice:not(:empty), .verdict[data-state="error"]');
      await isInert(page, fragment.slice(0, 40));
    }
  },
  { width: 320 },
);

onPage("a paper's code: this draw's is answered, another's is said to be another, however alike", async (page) => {
  const [[drawn]] = reportOf(PLAIN).drawn;
  const { draw } = PLAIN.file;
  // As many digits as a fingerprint shows can be made alike in two minutes (attack 43).
  for (const [named, same] of [
    [`${draw}.${drawn}`, true],
    [draw.slice(0, 20) + '0'.repeat(44), false],
    ['0'.repeat(64), false],
  ]) {
    await page.goto('about:blank');
    await verify(page, PLAIN, { address: `${VERIFIER}#${named}`, alone: true });
    await page.waitForSelector(`#notice[data-same="${same}"]`);
    assert.ok((await shown(page, '#notice')).includes(named.slice(0, 64)));
    assert.equal(await page.locator(`.sentence[data-outcome="drawn"]:has-text("${drawn}")`).count(), same ? 1 : 0);
  }
});

onPage(
  'what another page of the same address left in the browser',
  async (page) => {
    await open(page);
    const trust = toBase64(utf8(PLAIN.trust));
    for (const kept of [
      { 'fairdraw-trust': '{' },
      { 'fairdraw-trust': JSON.stringify({ name: SPITE[0] + BIDI, since: SPITE[1], data: trust }) },
      { 'fairdraw-trust': JSON.stringify({ name: LONG, since: LONG, data: trust }) },
      { 'fairdraw-trust': JSON.stringify({ name: 'x', since: 'x', data: '<svg onload=window.__pwned=1>' }) },
      { 'fairdraw-trust': JSON.stringify({ name: {}, since: null, data: [] }) },
      { 'fairdraw-slip-parts': JSON.stringify([SPITE[0], null, 1, {}]), 'fairdraw-language': SPITE[0] },
    ]) {
      await page.evaluate((items) => {
        localStorage.clear();
        for (const [key, value] of Object.entries(items)) localStorage.setItem(key, value);
      }, kept);
      await page.reload();
      await page.waitForSelector('#choose-file', { state: 'attached' });
      await page.waitForSelector('.trust .chosen[data-source]');
      await isInert(page, JSON.stringify(kept).slice(0, 60));
    }
  },
  { width: 320 },
);

test('lines to be pasted into a shell run no command of a name, and print what they say', () => {
  const name = "';echo${IFS}pwned;'$(echo${IFS}pwned)`echo${IFS}pwned`\\";
  const parts = {
    kind: 'announcement',
    hash: '0'.repeat(64),
    seeds: [[name, '1'.repeat(64)]],
    pulses: [{ chain: '2'.repeat(64), round: 3, randomness: '4'.repeat(64) }],
    embargo: null,
  };
  const key = drawKey(parts);
  const lines = commands({ key, keyLines: keyLines(parts), ticket: ticket(key, 'object', 'H-1'), no: 'H-1' });
  assert.equal(lines.length, 2);
  for (const [, line, printed] of lines) assert.equal(execFileSync('sh', ['-c', line]).toString(), `${printed}  -\n`);
});
