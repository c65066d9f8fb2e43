/** Whoever reads with a small screen, large letters, a keyboard, a screen reader, a dark room or no wish for motion. */

import assert from 'node:assert/strict';

import { utf8 } from '../src/core/encoding.mjs';
import { asFile, folderOfLog } from '../test/browser.mjs';
import { bytesOf, fullCases, reportOf } from '../test/files.mjs';
import { findsNothing } from './axe.mjs';
import { testsIn } from './browser.mjs';
import { SETTLED, chooseTrust, open, shown, sideways, stateOf, verify } from './reader.mjs';

const onPage = testsIn();
const BUNDLES = new Map(fullCases('bundle').map((item) => [item.name, item]));
const SLIPS = new Map(fullCases('slip').map((item) => [item.name, item]));
const PLAIN = BUNDLES.get('plain');

/** What a page shows, by name: each brings it there. */
const STATES = {
  empty: (page) => open(page),
  holds: (page) => verify(page, PLAIN, { log: folderOfLog(PLAIN.log) }),
  fails: (page) => verify(page, BUNDLES.get('a row of the roster changed')),
  unknown: (page) => verify(page, BUNDLES.get('without the log')),
  sealed: (page) => verify(page, BUNDLES.get('sealed')),
  stranger: (page) => verify(page, BUNDLES.get('trust file: another log')),
  slip: (page) => verify(page, SLIPS.get("an object that was drawn, the owner's copy")),
  async error(page) {
    await open(page);
    await chooseTrust(page, PLAIN.trust);
    await page.setInputFiles('#choose-file', asFile('x', utf8('hello')));
    await stateOf(page);
  },
};

const unfold = (page) => page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));

onPage('axe finds nothing to mend in any state, by day and by night', async (page) => {
  for (const [name, bring] of Object.entries(STATES)) {
    await bring(page);
    await unfold(page);
    await findsNothing(page, name);
  }
});

// 400 % of a window of 1280 pixels leaves 320 (WCAG 2.1, 1.4.10).
for (const [name, options] of [
  ['a telephone', { width: 360, height: 740, isMobile: true, hasTouch: true, deviceScaleFactor: 3 }],
  ['letters four times as large, or the narrowest telephone', { width: 320, height: 256, deviceScaleFactor: 4 }],
]) {
  onPage(
    `${name}: nothing is moved sideways, and what is pressed is large enough`,
    async (page) => {
      for (const [state, bring] of Object.entries(STATES)) {
        await bring(page);
        await unfold(page);
        assert.deepEqual(await sideways(page), [], state);
        const small = await page.evaluate(() =>
          [...document.querySelectorAll('button, summary, select, textarea, input:not([type=checkbox]):not([hidden])')]
            .filter((one) => one.offsetParent && Math.min(one.offsetHeight, one.offsetWidth) < 44)
            .map((one) => one.outerHTML.slice(0, 80)),
        );
        assert.deepEqual(small, [], state);
      }
    },
    options,
  );
}

/** Press Tab until the focus is on what a test names. */
async function tabTo(page, selector, presses = 40) {
  for (let at = 0; at < presses; at++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  assert.fail(`${selector} cannot be reached by ${presses} presses of Tab`);
}

onPage(
  'a keyboard alone chooses the files, reads the verdict, unfolds the checks and looks a number up',
  async (page) => {
    await open(page);
    const choose = async (id, name, bytes) => {
      const chooser = page.waitForEvent('filechooser'); // asked for early: the browser takes a moment to listen
      await tabTo(page, `button:has(+ #${id})`);
      await page.keyboard.press('Enter');
      await (await chooser).setFiles(asFile(name, bytes));
    };
    await choose('choose-trust', 'trust', utf8(PLAIN.trust));
    await page.waitForSelector('.trust .hash');
    await page.evaluate(() => document.activeElement.blur());
    await choose('choose-file', 'x.fairdraw.json', bytesOf(PLAIN));
    assert.equal(await stateOf(page), 'unknown', 'the log was not read');
    assert.equal(
      await page.evaluate(() => document.activeElement.matches('.verdict h2')),
      true,
      'the verdict is read first',
    );
    await tabTo(page, '.all-checks > summary');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', 'the focus can be seen');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.all-checks').evaluate((one) => one.open), true);
    await tabTo(page, '.checks summary');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.checks dl.evidence:visible').count(), 1);
    await tabTo(page, '#lookup-no', 60);
    await page.keyboard.type(reportOf(PLAIN).drawn[0][0]);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sentence[data-outcome="drawn"]');
  },
);

onPage('what happens is read out: the verdict, and the answer for a number', async (page) => {
  await page.addInitScript(() => {
    globalThis.spoken = [];
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const live = (target.nodeType === 1 ? target : target.parentElement)?.closest('[aria-live], [role="status"]');
        if (live) globalThis.spoken.push(live.innerText);
      }
    }).observe(document, { childList: true, characterData: true, subtree: true });
  });
  await verify(page, BUNDLES.get('a row of the roster changed'));
  const heading = await shown(page, '.verdict h2');
  const spoken = await page.evaluate(() => globalThis.spoken);
  assert.ok(
    spoken.some((told) => told.includes(heading)),
    'the verdict changes inside a live region',
  );
  await verify(page, PLAIN, { alone: true });
  await page.fill('#lookup-no', reportOf(PLAIN).drawn[0][0]);
  await page.press('#lookup-no', 'Enter');
  await page.waitForSelector('.sentence[data-outcome="drawn"]');
  const answer = await shown(page, '.sentence');
  assert.ok((await page.evaluate(() => globalThis.spoken)).some((told) => told.includes(answer)));
});

onPage('nothing moves for whoever asked for rest', async (page) => {
  await open(page);
  await chooseTrust(page, PLAIN.trust);
  await verify(page, PLAIN);
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  const styled = await page.evaluate(
    () =>
      [...document.querySelectorAll('*')].filter((one) => {
        const { animationName, transitionDuration } = getComputedStyle(one);
        return animationName !== 'none' || transitionDuration.split(',').some((time) => parseFloat(time) > 0);
      }).length,
  );
  assert.equal(styled, 0);
});

onPage(
  'the checks tick one by one where motion is welcome, and end in the same verdict',
  async (page) => {
    await open(page);
    await chooseTrust(page, PLAIN.trust);
    await page.evaluate(() => {
      globalThis.counts = new Set();
      new MutationObserver(() => globalThis.counts.add(document.querySelectorAll('.ticking li').length)).observe(
        document.body,
        {
          childList: true,
          subtree: true,
        },
      );
    });
    await page.evaluate(() => document.querySelector('#alone').click());
    await page.setInputFiles('#choose-file', asFile('x', bytesOf(PLAIN)));
    await page.waitForSelector(SETTLED);
    assert.ok((await page.evaluate(() => globalThis.counts.size)) > 12);
  },
  { reducedMotion: 'no-preference' },
);

onPage('every state is told in one language alone, whichever is chosen, and the choice is remembered', async (page) => {
  await open(page);
  await page.click('.languages [data-choose="en"]');
  for (const [name, bring] of Object.entries(STATES)) {
    await bring(page);
    await unfold(page);
    for (const [lang, other, choice] of [
      ['en', 'zh', 'zh'],
      ['zh', 'en', 'en'],
    ]) {
      assert.equal(await page.locator('html').getAttribute('lang'), lang === 'zh' ? 'zh-CN' : 'en', name);
      assert.equal(await page.locator(`main span[lang="${other}"]:visible`).count(), 0, name);
      assert.ok(await page.locator(`main span[lang="${lang}"]:visible`).count(), name);
      await page.click(`.languages [data-choose="${choice}"]`);
    }
  }
});

onPage(
  'on paper: every check, no button, no colour that a printer needs',
  async (page) => {
    await verify(page, PLAIN, { alone: true });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('.all-checks .checks > li:visible').count(), 24);
    assert.equal(await page.locator('button:visible, #inputs:visible').count(), 0);
    assert.equal(
      await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor),
      'rgb(255, 255, 255)',
    );
  },
  { colorScheme: 'dark' },
);
