/** Real browsers for the pages' tests: one for each file, a page for each test, and an eye on all that it does. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';

import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const require = createRequire(import.meta.url);

/** A name that leads here and is not localhost: a page under it has no WebCrypto, as in an intranet. */
export const INTRANET = 'intranet.example';

const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${INTRANET} 127.0.0.1`],
];

const launch = (executablePath) => chromium.launch({ executablePath, args: QUIET });

/** The Chromium of this machine. */
export const current = {
  missing: existsSync(CHROMIUM) ? false : `no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`,
  start: () => launch(CHROMIUM),
};

/** Chromium 109, the last for Windows 7 and 8.1: it comes packed in an npm package, and is unpacked once. */
export const oldest = {
  missing: false,
  start() {
    const packed = require.resolve('@sparticuz/chromium/package.json').replace('package.json', 'bin/chromium.br');
    const cache = new URL('../node_modules/.cache/', import.meta.url).pathname;
    const path = `${cache}chromium-109`;
    if (!existsSync(path)) {
      mkdirSync(cache, { recursive: true });
      const half = `${path}.${process.pid}`;
      writeFileSync(half, brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
      renameSync(half, path); // another test may be looking: it finds nothing or the whole
    }
    return launch(path);
  },
};

/** Whom a page may ask: nobody but whoever served it, and itself. */
const OWN = new RegExp(`^(?:file:|blob:|data:|about:|http://127\\.0\\.0\\.1:|http://${INTRANET.replace('.', '\\.')}:)`);

/** The browser says that a file was not there; whether it had to be is the test's affair. */
const NOT_THERE = /^Failed to load resource:/;

/**
 * Return what makes tests on pages of one browser. `act(page, seen)` is one test; afterwards the page must have reported
 * no error, broken no content policy, run nothing of a stranger's, opened nothing, and asked no other host.
 * `allow` is a pattern of errors that the test provokes.
 */
export function testsIn(which = current) {
  let browser;
  before(async () => {
    if (!which.missing) browser = await which.start();
  });
  after(() => browser?.close());

  return function onPage(name, act, { allow = null, width = 1000, height = 800, ...options } = {}) {
    test(name, { skip: which.missing, timeout: 120_000 }, async () => {
      const context = await browser.newContext({
        viewport: { width, height },
        locale: 'zh-CN',
        reducedMotion: 'reduce',
        ...options,
      });
      const seen = { errors: [], violations: [], executed: [], requests: [], opened: [] };
      try {
        const page = await watched(context, seen);
        await act(page, seen);
        judge(seen, allow);
      } finally {
        await context.close();
      }
    });
  };
}

async function watched(context, seen) {
  const page = await context.newPage();
  page.on('pageerror', (error) => seen.errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && seen.errors.push(message.text()));
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('requestfailed', (request) => {
    // The page's own policy kept it back: nobody was asked.
    if (request.failure()?.errorText === 'csp') seen.requests.splice(seen.requests.indexOf(request.url()), 1);
  });
  page.on('popup', (popup) => seen.opened.push(popup.url()));
  page.on('dialog', (dialog) => {
    seen.opened.push(dialog.message());
    dialog.dismiss();
  });
  await context.exposeBinding('__violation', (_, told) => seen.violations.push(told));
  await context.exposeBinding('__executed', (_, told) => seen.executed.push(told));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
      globalThis.__violation(`${effectiveDirective} ${blockedURI}`),
    );
    // What strangers write sets `__pwned` if it is ever executed (office.mjs), on whichever page of a test.
    Object.defineProperty(globalThis, '__pwned', { set: (value) => globalThis.__executed(String(value)) });
  });
  return page;
}

function judge({ errors, violations, executed, requests, opened }, allow) {
  const unexpected = (told) => !NOT_THERE.test(told) && !allow?.test(told);
  assert.deepEqual(errors.filter(unexpected), [], 'errors of the page');
  assert.deepEqual(violations.filter(unexpected), [], 'breaches of the content policy');
  assert.deepEqual(
    requests.filter((address) => !OWN.test(address)),
    [],
    'a page asks nobody but who served it',
  );
  assert.deepEqual(executed, [], 'something of a stranger was executed');
  assert.deepEqual(opened, [], 'a page opens no window and no dialog');
}
