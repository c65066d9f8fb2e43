/**
 * What the built page costs in a browser: `node web/bench/page.mjs FOLDER SIZE…` prints figures as JSON.
 *
 * FOLDER has `SIZE.fairdraw.json`, a bundle, with `SIZE.trust` and `SIZE.as-of` (POSIX seconds), and in
 * `SIZE.hashed.json` what a verifier hashes of it at least: `{key, leaves, objects, drawn, inspectors}`. Milliseconds
 * run from the choice of the file to the frame that shows the verdict. Motion is reduced: else the checks tick by for
 * the reader's eyes, about a second, whatever the verifier needs. CPU is that of the renderers, all threads.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { beijing } from '../src/page/reading.mjs';
import { VERIFIER, launch, noBrowser } from '../test/browser.mjs';

const THROTTLED = 10_000; // objects; the size that a telephone is asked to do
const SLOWER = 4;
const runsOf = (size) => (size < 100_000 ? 5 : 3);

async function main([folder, ...sizes]) {
  if (noBrowser) throw new Error(noBrowser);
  const browser = await launch();
  try {
    const told = { chromium: browser.version(), sizes: [] };
    for (const size of sizes.map(Number)) {
      const given = givenIn(folder, size);
      told.sizes.push({ size, bare: await bareIn(browser, given), ...(await measured(browser, given)) });
      if (size === THROTTLED) told.slower = { size, times: SLOWER, ...(await measured(browser, given, SLOWER)) };
    }
    process.stdout.write(`${JSON.stringify(told)}\n`);
  } finally {
    await browser.close();
  }
}

function givenIn(folder, size) {
  const path = (end) => join(folder, `${size}.${end}`);
  const asOf = Number(readFileSync(path('as-of'), 'utf8'));
  return { size, file: path('fairdraw.json'), trust: path('trust'), hashed: path('hashed.json'), asOf };
}

// --- the page ------------------------------------------------------------------------------------------------------

/** The medians over pages that each verify the file twice. */
async function measured(browser, given, slower = 1) {
  const pages = [];
  for (let run = 0; run < runsOf(given.size); run++) pages.push(await inFreshPage(browser, given, slower));
  const over = (figure) => median(pages.map(figure));
  return {
    paint: over(({ paint }) => paint),
    first: over(({ first }) => first.took),
    first_cpu: over(({ first }) => first.cpu),
    warm: over(({ warm }) => warm.took),
    warm_cpu: over(({ warm }) => warm.cpu),
    longest_task: over(({ first, warm }) => Math.max(first.longest, warm.longest)),
  };
}

async function inFreshPage(browser, given, slower) {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  try {
    const page = await context.newPage();
    await page.addInitScript(watch);
    if (slower > 1) await slowDown(page, slower);
    await page.goto(VERIFIER);
    await page.setInputFiles('#choose-trust', given.trust);
    await page.waitForSelector('.trust .hash');
    await page.evaluate(() => (document.querySelector('.options').open = true));
    await page.fill('#as-of', beijing(given.asOf).slice(0, 19).replace(' ', 'T'));
    await page.check('#alone');
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    return { paint, first: await verified(browser, page, given), warm: await verified(browser, page, given) };
  } finally {
    await context.close();
  }
}

/**
 * Chromium slows down only the page's own thread and leaves Workers as they are; without any, the page verifies on the
 * thread that is slow, as it does in a browser that allows it no Worker.
 */
async function slowDown(page, rate) {
  await page.addInitScript(() => delete globalThis.Worker);
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate });
}

/** Runs in the page, before its script: measure from the choice of a file to the frame with the verdict. */
function watch() {
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: 'longtask' });
  addEventListener('change', ({ target }) => target.id === 'choose-file' && begin(performance.now()), true);

  function begin(start) {
    globalThis.measured = new Promise((resolve) => {
      const section = document.getElementById('verdict');
      let working = false;
      const observer = new MutationObserver(() => {
        const { state } = section.dataset;
        working ||= state === 'working';
        if (!working || state === 'working') return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => end(state), 0));
      });
      observer.observe(section, { attributeFilter: ['data-state'] });

      function end(state) {
        const now = performance.now();
        const during = () => tasks.filter((task) => task.startTime < now && task.startTime + task.duration > start);
        const longest = () => Math.max(0, ...during().map(({ duration }) => duration));
        setTimeout(() => resolve({ state, took: now - start, longest: longest() }), 200); // tasks are told of late
      }
    });
  }
}

async function verified(browser, page, { file }) {
  const before = await cpuOf(browser);
  await page.setInputFiles('#choose-file', file);
  const told = await page.evaluate(() => globalThis.measured);
  if (told.state !== 'holds') throw new Error(`${file} was to hold: ${await page.locator('#verdict').innerText()}`);
  return { ...told, cpu: (await cpuOf(browser)) - before };
}

/** The milliseconds that the renderers have used, all threads. */
async function cpuOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + 1000 * cpuTime, 0);
}

// --- the limit -----------------------------------------------------------------------------------------------------

/** Milliseconds for nothing but noble's SHA-256 of the same leaves, nodes and tickets, in the same browser. */
async function bareIn(browser, { size, hashed }) {
  const contents = "export { sha256 } from '@noble/hashes/sha2.js'";
  const resolveDir = fileURLToPath(new URL('..', import.meta.url));
  const how = { bundle: true, write: false, minify: true, format: 'iife', globalName: 'noble' };
  const { outputFiles } = await build({ stdin: { contents, resolveDir }, ...how });
  const page = await browser.newPage();
  try {
    await page.addScriptTag({ content: outputFiles[0].text });
    await page.addScriptTag({ content: `globalThis.bare = ${bare}` });
    await page.evaluate((text) => (globalThis.hashed = JSON.parse(text)), readFileSync(hashed, 'utf8'));
    const times = [];
    for (let run = 0; run < runsOf(size); run++) {
      times.push(await page.evaluate(() => globalThis.bare(globalThis.hashed)));
    }
    return median(times);
  } finally {
    await page.close();
  }
}

/** Runs in the page. One object's ticket each, and for each drawn one those of all inspectors: nobody is left out. */
function bare({ key, leaves, objects, drawn, inspectors }) {
  const { sha256 } = globalThis.noble;
  const encoder = new TextEncoder();
  const node = new Uint8Array(65);
  let took = 0;

  function hashAll(lines, nodes) {
    const messages = lines.map((line) => encoder.encode(line));
    const start = performance.now();
    for (const message of messages) sha256(message);
    for (let i = 0; i < nodes; i++) sha256(node);
    took += performance.now() - start;
  }

  for (let i = 0; i < leaves.length; i += 10_000) {
    const some = leaves.slice(i, i + 10_000);
    hashAll(some.map((line) => `\0${line}`), some.length); // a tree has a node fewer than it has leaves
  }
  for (let i = 0; i < objects.length; i += 10_000) {
    hashAll(objects.slice(i, i + 10_000).map((no) => `${key}\nobject\n${no}\n`), 0);
  }
  for (const no of drawn) hashAll(inspectors.map((one) => `${key}\nteam\n0\n0\n${no}\n${one}\n`), 0);
  return took;
}

const median = (figures) => [...figures].sort((a, b) => a - b)[figures.length >> 1];

await main(process.argv.slice(2));
