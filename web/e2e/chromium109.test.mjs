/** The oldest browser that the pages promise to run in, and the last for Windows 7: Chromium 109. */

import assert from 'node:assert/strict';

import { formatTime } from '../src/core/encoding.mjs';
import { VERIFIER, drawPage, serve, siteOf } from '../test/browser.mjs';
import { bytesOf, fullCases } from '../test/files.mjs';
import { vectors } from '../test/vectors.mjs';
import { oldest, testsIn } from './browser.mjs';
import { chooseFile, chooseTime, chooseTrust, open, stateOf, verify } from './reader.mjs';

const onPage = testsIn(oldest);
const BUNDLES = fullCases('bundle').filter(({ checks }) => checks);
const SLIPS = fullCases('slip').filter(({ checks }) => checks);
const PLAIN = BUNDLES[0];

onPage('it is Chromium 109', async (page) => {
  assert.match(await page.evaluate(() => navigator.userAgent), /Chrome\/109\./);
  await open(page);
});

/** One of each kind of beacon, of disclosure, and of what a draw may look back on. */
const KINDS =
  /^(?:only the bundle|sealed|opened|a NIST-format pulse, announced|events and a later|a regulation of its own|capped)/;

onPage('a bundle of each kind, and every slip, has the verdict that it has elsewhere', async (page) => {
  const cases = [...BUNDLES.filter(({ name }) => KINDS.test(name)), ...SLIPS].filter(
    ({ log, expect }) => !log && !expect,
  );
  assert.ok(cases.length >= 12, cases.map(({ name }) => name).join());
  await open(page);
  for (const [place, item] of cases.entries()) {
    await chooseTrust(page, item.trust);
    await chooseTime(page, item.as_of);
    await page.evaluate((wanted) => {
      const box = document.querySelector('#alone');
      if (box.checked !== wanted) box.click();
    }, item.bundle_only ?? false);
    const state = await chooseFile(page, bytesOf(item), `case ${place}`);
    assert.equal(state === 'sealed' ? 'unknown' : state, item.verdict, item.name);
  }
});

onPage('with a row changed a draw fails', async (page) => {
  assert.equal(
    await verify(
      page,
      BUNDLES.find(({ name }) => name === 'a row of the roster changed'),
    ),
    'fails',
  );
});

onPage('from an intranet without https, and on the page of a draw', async (page) => {
  const asOf = formatTime(PLAIN.as_of);
  const files = siteOf({ ...PLAIN, asOf });
  files.set('d/3/index.html', Buffer.from(drawPage({ ...PLAIN, asOf }, [])));
  const site = await serve(files);
  try {
    await page.goto(`${site.base}d/3/`);
    await page.waitForSelector('#result.struck'); // the page shows no rows, and the draw has some
    assert.equal(await stateOf(page), 'fails');
    const address = `${site.intranet.replace(/\/\/[^:]+/, '//intranet.example')}verify.html`;
    assert.equal(await verify(page, PLAIN, { address }), 'holds');
  } finally {
    await site.close();
  }
});

onPage('a slip in codes, from its links', async (page) => {
  const { parts } = vectors('slipcode').accept.find(({ name }) => name.startsWith('a slip'));
  await open(page);
  await chooseTrust(page, SLIPS[0].trust);
  for (const part of parts) {
    await page.goto('about:blank');
    await page.goto(`${VERIFIER}#${part}`);
    await stateOf(page);
  }
  await page.waitForSelector(
    '.verdict:is([data-state="holds"], [data-state="unknown"], [data-state="fails"], [data-state="sealed"])',
  );
});

onPage(
  'the layout holds on a telephone',
  async (page) => {
    await verify(page, PLAIN, { alone: true });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  },
  { width: 360, height: 740 },
);
