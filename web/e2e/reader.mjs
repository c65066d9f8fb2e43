/** What a reader does with the verifier page, and what the page shows then. Found by ids and states, not words. */

import assert from 'node:assert/strict';

import { formatTime, sha256hex, utf8 } from '../src/core/encoding.mjs';
import { VERIFIER, asFile } from '../test/browser.mjs';
import { bytesOf } from '../test/files.mjs';

const BEIJING = 8 * 3600; // the page takes times on the clocks of China

export const SETTLED = '.verdict[data-state]:not([data-state="working"])';

/** The state of the verdict, once there is one. */
export const stateOf = async (page) =>
  (await page.waitForSelector(SETTLED, { timeout: 60_000 })).getAttribute('data-state');

/** Open a verifier page. */
export async function open(page, address = VERIFIER) {
  await page.goto(address);
  await page.waitForSelector('#choose-file', { state: 'attached' });
}

/** Choose a trust file, and wait until the page names its digest. */
export async function chooseTrust(page, trust, name = 'trust') {
  await page.setInputFiles('#choose-trust', asFile(name, utf8(trust)));
  await page.waitForSelector(`.trust .hash:has-text("${sha256hex(utf8(trust))}")`);
}

/** A time as the page's input takes it. */
export const asTyped = (seconds) => formatTime(seconds + BEIJING).slice(0, 19);

/** Choose a time; a page that was given none verifies as of now. */
export async function chooseTime(page, seconds) {
  await page.evaluate(() => (document.querySelector('.options').open = true));
  await page.fill('#as-of', asTyped(seconds));
}

/** Choose a bundle or slip, and return the state of the verdict on it. `name` must be new to the page. */
export async function chooseFile(page, bytes, name = 'x.fairdraw.json') {
  await page.setInputFiles('#choose-file', asFile(name, bytes));
  await page.waitForFunction(
    ([wanted, settled]) =>
      document.querySelector('.drop .chosen').textContent.includes(wanted) && document.querySelector(settled),
    [name, SETTLED],
    { timeout: 60_000 },
  );
  return stateOf(page);
}

/** All of it for a case of the vectors (test/files.mjs). */
export async function verify(page, item, { address = VERIFIER, alone = item.bundle_only ?? false, log = null } = {}) {
  await open(page, address);
  await chooseTrust(page, item.trust);
  await chooseTime(page, item.as_of);
  if (alone) await page.check('#alone');
  if (log) await page.setInputFiles('#choose-log', log);
  return chooseFile(page, bytesOf(item));
}

/** What a reader sees of an element; nothing that is hidden. */
export const shown = (page, selector) => page.locator(selector).innerText();

/** Whether the page can be moved sideways, and what sticks out if so. */
export const sideways = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 0.5 && !element.closest('.scroll'))
      .map((element) => element.outerHTML.slice(0, 120));
  });

/** No element of a stranger's, and none of his unseen characters. */
export async function isInert(page, what = '') {
  const found = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter(
        (one) =>
          ['IMG', 'IFRAME', 'OBJECT', 'EMBED', 'FORM', 'STYLE', 'SCRIPT'].includes(one.tagName) &&
          !one.matches('head > style, body > script:last-child, #lookup > form'),
      )
      .concat(
        [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => /^on/.test(name))),
      )
      .map((one) => one.outerHTML.slice(0, 100)),
  );
  assert.deepEqual(found, [], what);
  assert.doesNotMatch(
    await page.evaluate(() => document.body.innerText),
    /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/,
    what,
  );
  assert.deepEqual(await sideways(page), [], what);
}
