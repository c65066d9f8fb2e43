/** The verifier page in Firefox ESR: another engine, the same verdicts. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { VERIFIER, serve, siteOf } from '../test/browser.mjs';
import { bytesOf, fullCases, reportOf } from '../test/files.mjs';
import { asTyped } from './reader.mjs';
import { FirefoxPage, noFirefox, startFirefox } from './marionette.mjs';

const BUNDLES = new Map(fullCases('bundle').map((item) => [item.name, item]));
const SLIPS = new Map(fullCases('slip').map((item) => [item.name, item]));
const PLAIN = BUNDLES.get('plain');

let firefox;
let page;
let folder;
before(async () => {
  if (noFirefox) return;
  folder = mkdtempSync(join(tmpdir(), 'fairdraw-files-'));
  firefox = await startFirefox();
  page = new FirefoxPage(firefox);
});
after(async () => {
  await firefox?.close();
  if (folder) rmSync(folder, { recursive: true });
});

const inFirefox = (name, act) => test(name, { skip: noFirefox, timeout: 120_000 }, act);

const onDisk = (name, bytes) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

let count = 0;
async function verify(item, address = VERIFIER) {
  await page.goto('about:blank');
  await page.goto(address);
  await page.waitFor(() => document.querySelector('#choose-file'));
  await page.evaluate(() => {
    const { dataset } = document.documentElement; // what a driver's scripts remember is not the page's
    dataset.refused = '';
    document.addEventListener(
      'securitypolicyviolation',
      ({ effectiveDirective }) => (dataset.refused += ` ${effectiveDirective}`),
    );
  });
  await page.setFile('#choose-trust', onDisk('trust', item.trust));
  await page.waitFor(() => document.querySelector('.trust .hash'));
  await page.evaluate(
    (time, alone) => {
      const asOf = document.querySelector('#as-of');
      asOf.value = time;
      asOf.dispatchEvent(new Event('change'));
      if (alone) document.querySelector('#alone').click();
    },
    asTyped(item.as_of),
    item.bundle_only ?? false,
  );
  const name = `file-${++count}.json`;
  await page.setFile('#choose-file', onDisk(name, bytesOf(item)));
  const state = await page.waitFor((wanted) => {
    const { state: told } = document.querySelector('.verdict')?.dataset ?? {};
    return document.querySelector('.drop .chosen').textContent.includes(wanted) && told !== 'working' && told;
  }, name);
  assert.equal(
    await page.evaluate(() => document.documentElement.dataset.refused),
    '',
    'nothing breaks the content policy',
  );
  return state;
}

inFirefox('from a disk: draws that hold, that fail, and of which nothing is known yet', async () => {
  assert.match(await page.evaluate(() => navigator.userAgent), /Firefox/);
  assert.equal(await verify(BUNDLES.get('only the bundle is asked about')), 'holds');
  assert.equal(await page.evaluate(() => document.querySelectorAll('.checks > li').length), 24);
  assert.equal(
    await page.evaluate(() => document.querySelectorAll('#drawn tbody tr').length),
    reportOf(PLAIN).drawn.length,
  );
  assert.equal(await verify(BUNDLES.get('a row of the roster changed')), 'fails');
  assert.deepEqual(
    await page.evaluate(() => [...document.querySelectorAll('.decisive > li')].map(({ dataset }) => dataset.code)),
    ['rosters'],
  );
  assert.equal(await verify(BUNDLES.get('without the log')), 'unknown');
  assert.equal(await verify(BUNDLES.get('sealed')), 'sealed');
});

inFirefox('a slip, and pulses of other sources', async () => {
  assert.equal(await verify(SLIPS.get('an object that was not drawn')), 'holds');
  assert.equal(await verify({ ...BUNDLES.get('a NIST-format pulse, announced'), bundle_only: true }), 'unknown');
  assert.equal(await verify(BUNDLES.get('a NIST-format pulse signed another time')), 'fails');
});

inFirefox('with the log beside the page, and a number looked up', async () => {
  const site = await serve(siteOf({ ...PLAIN, asOf: '' }));
  try {
    assert.equal(await verify(PLAIN, `${site.base}verify.html`), 'holds');
    const [[drawn]] = reportOf(PLAIN).drawn;
    await page.evaluate((no) => {
      document.querySelector('#lookup-no').value = no;
      document.querySelector('#lookup form').requestSubmit();
    }, drawn);
    await page.waitFor(() => document.querySelector('.sentence[data-outcome="drawn"]'));
  } finally {
    await site.close();
  }
});

inFirefox('the layout holds in a narrow window', async () => {
  await firefox.send('SetWindowRect', { width: 450, height: 740 });
  await verify(BUNDLES.get('a row of the roster changed'));
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  const [wide, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(wide <= window, `${wide} > ${window}`);
});
