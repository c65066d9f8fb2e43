/** The ceremony's pages in a browser: every step with the keyboard alone, each screen as a projector shows it. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { findsNothing } from './axe.mjs';
import { current, testsIn } from './browser.mjs';
import { SECRET, noHall, openHall } from './hall.mjs';

const missing = current.missing || noHall;
const onPage = testsIn({ ...current, missing });
const PROJECTOR = { width: 1920, height: 1080 };
const PICTURES = process.env.CEREMONY_PICTURES; // a folder, for whoever wants to look

async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

const until = (page, screen) => page.waitForSelector(`.hall[data-screen="${screen}"]`, { timeout: 60_000 });
const deskAt = (desk, screen) => desk.waitForSelector(`body[data-screen="${screen}"]`, { timeout: 60_000 });

/** That the screen fits on the projector, and that every number to compare has its 96 pixels. */
async function readable(page, screen) {
  const told = await page.evaluate(() => {
    const outside = [...document.querySelectorAll('body *')].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1 || box.top < -1);
    });
    const small = [...document.querySelectorAll('.number')].filter((one) => parseFloat(getComputedStyle(one).fontSize) < 96);
    const cut = [...document.querySelectorAll('.hall, .hall *')].filter((one) => one.scrollWidth > one.clientWidth + 2 && one.clientWidth && getComputedStyle(one).display !== 'inline');
    const hall = document.querySelector('.hall');
    const squeezed = hall.scrollHeight > hall.clientHeight + 1;
    return { outside: outside.map((one) => one.outerHTML.slice(0, 90)), small: small.length, cut: cut.map((one) => one.outerHTML.slice(0, 90)), squeezed };
  });
  if (told.outside.length || told.small || told.cut.length || told.squeezed) unreadable.push({ screen, ...told });
}

/** Screens that could not be read; told at the end of a test, so that the pictures of all its screens are there. */
const unreadable = [];
const allReadable = () => assert.deepEqual(unreadable.splice(0), []);

/** What holds of every screen of the hall's: readable, accessible, and without a name. */
async function holds(page, name) {
  await picture(page, name);
  await readable(page, name);
  await findsNothing(page, name);
  assert.ok(!(await page.content()).includes(SECRET), `${name}: no name is shown`);
}

/** Open the desk beside the hall, in the same browser. */
async function besides(page, { hall, operator }) {
  const desk = await page.context().newPage();
  await desk.goto(operator);
  await deskAt(desk, 'prepare');
  await page.goto(hall);
  await until(page, 'prepare');
  return desk;
}

onPage(
  'a whole draw is held with the keyboard alone, and every screen can be read from the last row',
  async (page, seen) => {
    const hall = await openHall();
    try {
      const desk = await besides(page, hall);
      const news = () => desk.locator('.news').textContent();
      assert.equal(new URL(desk.url()).hash, '', 'the token is out of the address');

      await holds(page, '1-prepare-empty');
      await desk.focus('#more-people-congress');
      await desk.keyboard.press('Enter');
      await desk.waitForSelector('#less-people-congress:enabled');
      assert.equal(await desk.evaluate(() => document.activeElement.id), 'more-people-congress', 'the focus stays');
      await desk.focus('#more-legal');
      await desk.keyboard.press(' ');
      await page.waitForSelector('.chips li:nth-child(2)');
      await holds(page, '1-prepare');
      await findsNothing(desk, 'desk, prepare');
      await picture(desk, 'desk-1-prepare');

      await desk.evaluate(() => document.activeElement.blur());
      await desk.keyboard.press(' ');
      await until(page, 'check');
      await deskAt(desk, 'check');
      await desk.keyboard.press('/');
      await desk.keyboard.type('H-0042');
      await desk.keyboard.press('Enter');
      await page.waitForSelector('.looked.holds');
      await holds(page, '2-check-found');
      await desk.keyboard.press('Escape');
      await desk.keyboard.press('/');
      await desk.fill('#look', '');
      await desk.keyboard.type('H-9999');
      await desk.keyboard.press('Enter');
      await page.waitForSelector('.looked.fails');
      await desk.keyboard.press('Escape');
      await desk.keyboard.press('d');
      await desk.keyboard.type('4711');
      await desk.keyboard.press('Enter');
      await page.waitForSelector('.chips');
      await holds(page, '2-check-not-found');
      await findsNothing(desk, 'desk, check');
      await picture(desk, 'desk-2-check');

      await desk.keyboard.press('Escape');
      await desk.keyboard.press('l');
      await desk.waitForSelector('dialog[open]');
      await picture(desk, 'desk-2-sure');
      await findsNothing(desk, 'desk, the question');
      await desk.keyboard.press('Escape'); // never destroys, and never locks
      await desk.waitForSelector('dialog:not([open])', { state: 'attached' });
      assert.equal((await (await page.request.get(new URL('/state', hall.hall).href)).json()).announced, null);
      await desk.keyboard.press('l');
      await desk.keyboard.press('Enter');
      await until(page, 'lock');
      await page.waitForFunction(() => document.querySelector('.code img')?.naturalWidth > 0);
      await holds(page, '3-lock');
      await deskAt(desk, 'lock');
      await findsNothing(desk, 'desk, lock');
      await picture(desk, 'desk-3-lock');

      await desk.keyboard.press('ArrowRight');
      await until(page, 'cosign');
      await holds(page, '4-cosign');
      await deskAt(desk, 'cosign');
      await desk.keyboard.press('ArrowLeft');
      await until(page, 'lock');
      await deskAt(desk, 'lock');
      await desk.keyboard.press('ArrowRight');
      await deskAt(desk, 'cosign');
      await desk.keyboard.press('Enter');
      await until(page, 'countdown');
      await holds(page, '5-countdown-long');
      await deskAt(desk, 'countdown');
      await findsNothing(desk, 'desk, countdown');
      await picture(desk, 'desk-5-countdown');
      await desk.keyboard.press('k');
      await page.waitForFunction(() => /^00:0/.test(document.querySelector('.left')?.textContent));
      await holds(page, '5-countdown');

      await until(page, 'reveal');
      await page.waitForSelector('.drawn li');
      await holds(page, '6-reveal');
      assert.equal(await page.locator('.drawn li').count(), 10);
      const first = await page.locator('.drawn li b').first().textContent();
      await deskAt(desk, 'reveal');
      await picture(desk, 'desk-6-reveal');
      await desk.keyboard.press('PageDown');
      await page.waitForFunction((no) => document.querySelector('.drawn li b').textContent !== no, first);
      await desk.keyboard.press('e');
      await page.waitForFunction(() => document.documentElement.lang === 'en');
      await holds(page, '6-reveal-en');
      await desk.keyboard.press('e');
      await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');

      await desk.keyboard.press(' ');
      await until(page, 'print');
      await holds(page, '7-print');
      await deskAt(desk, 'print');
      await desk.waitForSelector('#print:enabled');
      await desk.evaluate(() => {
        globalThis.printed = new Promise((resolve) => {
          new MutationObserver(() => {
            const frame = document.querySelector('iframe.paper');
            frame?.addEventListener('load', () => resolve(frame.contentDocument.body.innerText));
          }).observe(document.body, { childList: true });
        });
      });
      await desk.keyboard.press('p');
      const paper = await desk.evaluate(() => globalThis.printed);
      const fingerprint = (await page.locator('.foot b').textContent()).trim();
      assert.ok(paper.replace(/\s+/g, '').includes(fingerprint.replace(/\s+/g, '')), 'paper and screen show the same');
      await findsNothing(desk, 'desk, print');
      await picture(desk, 'desk-7-print');

      await desk.keyboard.press(' ');
      await until(page, 'sign');
      await deskAt(desk, 'sign');
      await desk.focus('#signed-legal');
      await desk.keyboard.press(' ');
      await page.waitForSelector('.witnesses .holds');
      await desk.setInputFiles('#scan', { name: 'signed.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 a signed sheet %%EOF') });
      await page.waitForFunction(() => /1/.test(document.querySelector('.hall > .lead')?.textContent));
      await holds(page, '8-sign');
      await findsNothing(desk, 'desk, sign');
      await picture(desk, 'desk-8-sign');

      await desk.evaluate(() => document.activeElement.blur());
      await desk.keyboard.press(' ');
      await until(page, 'done');
      await page.waitForFunction(() => document.querySelector('.code img')?.naturalWidth > 0);
      await holds(page, '9-done');
      await deskAt(desk, 'done');
      await findsNothing(desk, 'desk, done');
      assert.equal(await news(), '');
      await page.keyboard.press('e');
      await page.waitForFunction(() => document.documentElement.lang === 'en');
      await holds(page, '9-done-en');
      assert.ok(seen.requests.every((address) => !address.includes(new URL(hall.operator).hash.slice(1))), 'no request has the token in it');
      allReadable();
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR },
);

onPage(
  'a round that is late is waited for, and what is carried in is taken only if it is that round',
  async (page) => {
    const hall = await openHall({ late: true });
    try {
      const desk = await besides(page, hall);
      await desk.keyboard.press(' ');
      await deskAt(desk, 'check');
      await desk.keyboard.press('l');
      await desk.keyboard.press('Enter');
      await deskAt(desk, 'lock');
      await desk.keyboard.press('k');
      await page.waitForSelector('.rolling');
      const rolled = await page.locator('.rolling').textContent();
      await page.waitForFunction((before) => document.querySelector('.rolling').textContent !== before, rolled);
      assert.match(await page.locator('.hall > .lead').textContent(), /仅为演示/, 'what rolls is said to mean nothing');
      await page.waitForSelector('.wait.late', { timeout: 60_000 });
      await holds(page, '5-late');
      await deskAt(desk, 'countdown');
      await desk.waitForSelector('#pulse');
      await findsNothing(desk, 'desk, late');
      await picture(desk, 'desk-5-late');
      const bad = `32000954 ${'ab'.repeat(48)}`;
      await desk.fill('#pulse', bad);
      await desk.click('[data-panel="pulse"] button');
      await desk.waitForFunction(() => document.querySelector('.news').textContent !== '');
      assert.equal((await (await page.request.get(new URL('/state', hall.hall).href)).json()).drawn, null);
      allReadable();
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR, reducedMotion: 'no-preference' },
);

onPage(
  'a draw that was not cosigned, or has been voided, is said to be over',
  async (page) => {
    const hall = await openHall({ sealed: true });
    try {
      const desk = await besides(page, hall);
      await desk.keyboard.press(' ');
      await deskAt(desk, 'check');
      await desk.keyboard.press('l');
      await desk.keyboard.press('Enter');
      await deskAt(desk, 'lock');
      await desk.keyboard.press('ArrowRight');
      await until(page, 'cosign');
      await holds(page, '4-cosign-sealed'); // the key of a sealed draw is deposited nowhere yet
      await desk.keyboard.press('k');
      await until(page, 'failed');
      await holds(page, '0-failed');
      await deskAt(desk, 'failed');
      await findsNothing(desk, 'desk, failed');
      assert.match(await desk.locator('[data-panel="step"] pre').textContent(), /--reason venue-lost$/);
      await picture(desk, 'desk-0-failed');
      hall.run('2026-09-07T18:50:00Z', 'void', 'hall-1', '--reason', 'venue-lost');
      await until(page, 'voided');
      await holds(page, '0-voided');
      allReadable();
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR },
);

onPage(
  'a sealed draw shows how many were drawn and no number, and the hall finds the page for telephones',
  async (page) => {
    const hall = await openHall({ sealed: true, phones: true });
    try {
      const desk = await besides(page, hall);
      await page.waitForFunction(() => document.querySelector('.code img')?.naturalWidth > 0);
      await holds(page, '1-prepare-phones');
      await desk.keyboard.press(' ');
      await deskAt(desk, 'check');
      await desk.keyboard.press('l');
      await desk.keyboard.press('Enter');
      await until(page, 'lock');
      await page.waitForFunction(() => document.querySelector('.code img')?.naturalWidth > 0);
      await holds(page, '3-lock-phones');
      hall.deposit('2026-09-07T18:05:00Z');
      await deskAt(desk, 'lock');
      await desk.keyboard.press('k');
      await until(page, 'reveal');
      await page.waitForSelector('.huge');
      await holds(page, '6-reveal-sealed');
      assert.ok(!/H-00[0-9]{2}/.test(await page.content()));
      const phones = await page.request.get(new URL('/supervise/', hall.hall).href);
      assert.equal(phones.status(), 200);
      assert.equal((await page.request.get(new URL('/operator', hall.hall).href)).status(), 404);
      allReadable();
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR },
);

onPage(
  'long numbers, many witnesses and many supervisors leave every screen readable',
  async (page) => {
    const hall = await openHall();
    try {
      const plain = await (await page.request.get(new URL('/state', hall.hall).href)).json();
      const text = 'a'.repeat(64);
      const fingerprint = '0123 4567 8901 2345 6789';
      const crowd = ['people-congress', 'cppcc', 'discipline', 'legal', 'social', 'superior', 'department', 'inspecting-unit'];
      const source = { chain: 'quicknet', round: 32000944, due: plain.now + 600, randomness: text };
      const announced = {
        ...{ index: 3, text, fingerprint, limit: plain.now + 540, due: plain.now + 600, sealed: null, needed: 9 },
        ...{ rounds: [source, { ...source, chain: 'default' }], witnessed: null },
        cosigners: Array.from({ length: 15 }, (_, at) => ({ name: `witness-of-a-long-name-${at}`, time: at % 2 ? plain.now : null })),
        pending: [{ kind: 'deposits', found: 1, needed: 2, settled: false }, { kind: 'reveals', found: 1, needed: 2, settled: false }],
      };
      const drawn = { index: 4, text, fingerprint, count: 40, sealed: false, final: true, scans: 3 };
      const long = { row: 1234567, rows: 1234567, role: 'objects', no: 'N'.repeat(40) };
      const state = {
        ...{ ...plain, announced, present: crowd.map((role) => [role, 12]), signed: crowd.slice(0, 3) },
        digits: crowd.map((role) => [role, '1'.repeat(12)]),
      };
      let shown = null;
      let numbers = [];
      await page.route('**/state', (route) => route.fulfill({ json: shown }));
      await page.route('**/numbers', (route) => route.fulfill({ json: { numbers } }));
      const look = async (name, more) => {
        shown = { ...state, ...more };
        await page.goto(hall.hall);
        await until(page, shown.screen);
        await page.waitForFunction(() => document.querySelector('.hall').childElementCount > 0);
        await holds(page, `s-${name}`);
      };
      for (const lang of ['zh', 'en']) {
        await look(`prepare-${lang}`, { screen: 'prepare', lang });
        await look(`check-${lang}`, { screen: 'check', lang, looked: long });
        await look(`check-committed-${lang}`, { screen: 'check', lang, looked: long, committed: true });
        await look(`lock-${lang}`, { screen: 'lock', lang });
        await look(`cosign-${lang}`, { screen: 'cosign', lang });
        for (const trouble of [null, 'late', 'carry', 'fault', 'second', 'events', 'exhausted']) {
          await look(`countdown-${trouble}-${lang}`, { screen: 'countdown', lang, trouble });
        }
        await look(`print-${lang}`, { screen: 'print', lang, drawn });
        await look(`sign-${lang}`, { screen: 'sign', lang, drawn });
        await look(`done-${lang}`, { screen: 'done', lang, drawn: { ...drawn, final: false } });
        await look(`failed-${lang}`, { screen: 'failed', lang });
        await look(`voided-${lang}`, { screen: 'voided', lang, voided: 'a-reason-that-is-as-long-as-a-reason-may' });
        for (const [name, no, team] of [['wide', '1101-2026-000123', ['J-00123', 'J-00456']], ['stacked', 'N'.repeat(24), Array.from({ length: 5 }, () => 'I-00123')]]) {
          numbers = Array.from({ length: 40 }, () => [no, ...team]);
          await look(`reveal-${name}-${lang}`, { screen: 'reveal', lang, drawn });
        }
      }
      allReadable();
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR },
);

onPage(
  'an answer that fails leaves what was shown, and news of witnesses turn back neither the ring nor a page',
  async (page) => {
    const hall = await openHall();
    try {
      const plain = await (await page.request.get(new URL('/state', hall.hall).href)).json();
      const announced = {
        ...{ index: 3, text: 'a'.repeat(64), fingerprint: '0123 4567 8901 2345 6789', limit: plain.now + 540, due: plain.now + 20, sealed: null },
        ...{ needed: 1, rounds: [{ chain: 'quicknet', round: 1, due: plain.now + 20, randomness: null }], witnessed: plain.now, pending: [] },
        cosigners: [{ name: 'w', time: null }],
      };
      const drawn = { index: 4, text: 'b'.repeat(64), fingerprint: '0123 4567 8901 2345 6789', count: 40, sealed: false, final: false, scans: 0 };
      const state = { ...plain, announced };
      let shown = { status: 200, json: { ...state, screen: 'countdown' } };
      let numbers = { status: 503, json: { error: { code: 'ceremony-fault' } } };
      const began = Date.now();
      const now = () => plain.now + Math.floor((Date.now() - began) / 1000);
      await page.route('**/state', (route) => route.fulfill({ ...shown, json: { ...shown.json, now: now() } }));
      await page.route('**/numbers', (route) => route.fulfill(numbers));
      await page.goto(hall.hall);
      await until(page, 'countdown');
      const ring = () => page.locator('.ring .run').getAttribute('stroke-dashoffset').then(Number);
      await page.waitForFunction(() => Number(document.querySelector('.ring .run').getAttribute('stroke-dashoffset')) > 40);
      const before = await ring();
      shown = { status: 200, json: { ...state, screen: 'countdown', announced: { ...announced, cosigners: [{ name: 'w', time: plain.now }] } } };
      await page.waitForTimeout(1500);
      assert.ok((await ring()) >= before, 'the ring goes on');

      shown = { status: 409, json: { error: { code: 'ceremony-fault', zh: 'x', en: 'x' } } };
      await page.waitForSelector('.lost:not([hidden])');
      assert.match(await page.locator('.head h1').textContent(), /\S/);
      assert.ok(!(await page.content()).includes('undefined') && !(await page.content()).includes('NaN'), 'what was shown stays');
      assert.equal(await page.locator('.hall').getAttribute('data-screen'), 'countdown');

      shown = { status: 200, json: { ...state, screen: 'reveal', drawn } };
      await page.waitForTimeout(1500);
      assert.equal(await page.locator('.drawn li').count(), 0, 'a result whose numbers are not there is not shown as empty');
      numbers = { status: 200, json: { numbers: Array.from({ length: 40 }, (_, at) => [`H-${at}`, 'I-1']) } };
      await page.waitForFunction(() => document.querySelectorAll('.drawn li').length === 10);
      await page.waitForFunction(() => /11/.test(document.querySelector('.place').textContent), null, { timeout: 15_000 });
      shown = { status: 200, json: { ...state, screen: 'reveal', drawn: { ...drawn, final: true }, signed: ['legal'] } };
      await page.waitForTimeout(1500);
      assert.match(await page.locator('.place').textContent(), /11/, 'the page that is read stays');
    } finally {
      await hall.close();
    }
  },
  { ...PROJECTOR },
);

onPage('the desk without the token shows nothing but where the token is', async (page) => {
  const hall = await openHall();
  try {
    await page.goto(new URL('/operator', hall.hall).href);
    await page.waitForSelector('h2');
    await findsNothing(page, 'the door');
    assert.equal(await page.locator('button').count(), 0);
    await page.goto(`${new URL('/operator', hall.hall).href}#${'A'.repeat(32)}`);
    await page.reload();
    await page.waitForFunction(() => sessionStorage.length === 0);
  } finally {
    await hall.close();
  }
});

test('a program that is killed at the desk comes back to the same screen', { skip: missing, timeout: 60_000 }, async () => {
  const hall = await openHall();
  try {
    const state = async (base) => (await fetch(new URL('/state', base))).json();
    const token = new URL(hall.operator).hash.slice(1);
    const act = (base, told) =>
      fetch(new URL('/act', base), {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Origin: new URL(base).origin },
        body: JSON.stringify(told),
      });
    assert.equal((await act(hall.hall, { do: 'next', seen: 'prepare' })).status, 200);
    assert.equal((await act(hall.hall, { do: 'digits', seen: 'check', role: 'cppcc', digits: '99' })).status, 200);
    const before = await state(hall.hall);
    const again = await hall.again();
    assert.deepEqual({ ...(await state(again.hall)), now: 0 }, { ...before, now: 0 });
    assert.equal((await act(again.hall, { do: 'lock', seen: 'check' })).status, 401, 'an old token opens nothing');
  } finally {
    await hall.close();
  }
});
