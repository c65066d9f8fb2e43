/** Every verdict and every failing check, as the page shows it: each with a sentence of its own in both languages. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { parse } from 'smol-toml';

import { sha256hex, utf8 } from '../src/core/encoding.mjs';
import { folderOfLog } from '../test/browser.mjs';
import { bytesOf, fullCases, reportOf } from '../test/files.mjs';
import { testsIn } from './browser.mjs';
import { asTyped, chooseFile, chooseTime, chooseTrust, open, shown, verify } from './reader.mjs';

const onPage = testsIn();
const words = Object.fromEntries(
  ['zh', 'en'].map((lang) => [
    lang,
    parse(readFileSync(new URL(`../../src/fairdraw/wording/${lang}.toml`, import.meta.url), 'utf8')),
  ]),
);
const CASES = {
  bundle: fullCases('bundle').filter(({ checks }) => checks),
  slip: fullCases('slip').filter(({ checks }) => checks),
};
const named = (kind, name) => CASES[kind].find((item) => item.name === name);

/** A slip under other trust files, and with a broken proof: what slip.json leaves to bundle.json. */
const OTHER_SLIPS = [
  ...CASES.bundle.filter(({ name }) => name.startsWith('trust file: ')).map(({ trust }) => ({ trust })),
  { file: withFlippedBit(CASES.slip[0].file) },
].map((change, place) => withChecks({ ...CASES.slip[0], ...change, name: `another slip ${place}` }));

function withFlippedBit(file) {
  const changed = structuredClone(file);
  const { consistency } = changed.checkpoints.find(({ consistency: proof }) => proof.length);
  consistency[0] = consistency[0].replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  return changed;
}

function withChecks(item) {
  const told = reportOf(item).checks.filter(({ state }) => state !== 'holds');
  return {
    ...item,
    checks: Object.fromEntries(told.map(({ code, state, reason, depends }) => [code, [state, depends || reason]])),
  };
}

/** The checks of a case in a state of their own: none that wait for another, none that nobody asked for. */
const inState = ({ checks }, wanted) =>
  Object.entries(checks)
    .filter(([, [state, reason]]) => state === wanted && !(reason in checks) && reason !== 'depends')
    .map(([code]) => code);

/** One case for each check that can fail: the one in which the least else does. */
function oneForEach(cases) {
  const chosen = new Map();
  for (const item of cases) {
    const failing = inState(item, 'fails');
    for (const code of failing) {
      const before = chosen.get(code);
      if (!before || failing.length < inState(before, 'fails').length) chosen.set(code, item);
    }
  }
  return chosen;
}

/** The sentence of a check as [check.*] or [slip.*] has it, with anything in the place of a parameter. */
function sentence(lang, kind, code, part) {
  const { check, slip } = words[lang];
  const section = (kind === 'slip' && slip?.[code]) || check[code];
  return new RegExp(section[part].replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[a-z0-9_]+\}/g, '.*'));
}

const told = (page, selector) =>
  page.locator(selector).evaluateAll((items) =>
    items.map((item) => ({
      code: item.dataset.code,
      state: item.dataset.state,
      seen: item.innerText,
      zh: [...item.querySelectorAll('[lang="zh"]')].map((span) => span.textContent).join('\n'),
      en: [...item.querySelectorAll('[lang="en"]')].map((span) => span.textContent).join('\n'),
      why: item.querySelector('.why')?.innerText ?? '',
      colour: getComputedStyle(item.querySelector('.icon')).color,
    })),
  );

async function choose(page, item, name) {
  if (item.log) return verify(page, item, { log: folderOfLog(item.log) });
  await chooseTrust(page, item.trust);
  await chooseTime(page, item.as_of);
  await page.evaluate((wanted) => {
    const box = document.querySelector('#alone');
    if (box.checked !== wanted) box.click();
  }, item.bundle_only ?? false);
  return chooseFile(page, bytesOf(item), name);
}

for (const kind of ['bundle', 'slip']) {
  onPage(`each check of a ${kind} is seen to fail, with its own sentence, its reason, and what to do`, async (page) => {
    const chosen = oneForEach(kind === 'slip' ? [...CASES.slip, ...OTHER_SLIPS] : CASES.bundle);
    const items = [...new Set(chosen.values())].sort((a, b) => (a.log ? 1 : 0) - (b.log ? 1 : 0));
    const seen = new Map();
    await open(page);
    for (const [place, item] of items.entries()) {
      assert.equal(await choose(page, item, `case ${place}`), 'fails', item.name);
      const decisive = await told(page, '.decisive > li');
      assert.deepEqual(decisive.map(({ code }) => code).sort(), inState(item, 'fails').sort(), item.name);
      for (const check of decisive) {
        for (const lang of ['zh', 'en']) {
          assert.match(check[lang], sentence(lang, kind, check.code, 'title'), `${item.name}: title of ${check.code}`);
          assert.match(check[lang], sentence(lang, kind, check.code, 'fails'), `${item.name}: ${check.code} fails`);
        }
        assert.match(check.why, /[\u4e00-\u9fff]/, `${item.name}: ${check.code} has a reason in words`);
        seen.set(check.code, check.zh);
      }
    }
    const all = (await told(page, '.checks > li')).map(({ code }) => code);
    assert.deepEqual([...seen.keys()].sort(), [...chosen.keys()].sort());
    assert.equal(new Set(seen.values()).size, seen.size, 'no two checks fail with the same words');
    if (kind === 'bundle') assert.deepEqual(all.filter((code) => !seen.has(code)), []);
  });
}

/** The colours of the verdicts as the style sheet has them, and that of the verdict shown. */
const colours = (page) =>
  page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    const colourOf = (name) => {
      probe.style.setProperty('color', `var(--${name})`);
      return getComputedStyle(probe).color;
    };
    const all = Object.fromEntries(['holds', 'fails', 'unknown', 'sealed'].map((name) => [name, colourOf(name)]));
    probe.remove();
    return { ...all, shown: getComputedStyle(document.querySelector('.verdict h2')).color };
  });

const KINDS = [
  ['bundle', 'plain', 'holds'],
  ['bundle', 'only the bundle is asked about', 'holds'],
  ['bundle', 'without the log', 'unknown'],
  ['bundle', 'sealed', 'sealed'],
  ['bundle', 'a row of the roster changed', 'fails'],
  ['slip', 'with the log', 'holds'],
  ['slip', 'a row of a sealed draw', 'sealed'],
  ['slip', 'the number of another row', 'fails'],
];

for (const [kind, name, state] of KINDS) {
  onPage(`the verdict on ${kind} “${name}” is ${state}, in its own colour, read out and focused`, async (page) => {
    const item = named(kind, name);
    assert.equal(await verify(page, item, { log: item.log && folderOfLog(item.log) }), state);
    const { shown: colour, ...all } = await colours(page);
    assert.equal(new Set(Object.values(all)).size, 4);
    assert.equal(colour, all[state]);
    const live = page.locator('.verdict [role="status"][aria-live="polite"]');
    assert.equal(
      (await live.innerText()).startsWith(await shown(page, '.verdict h2')),
      true,
      'a live region has the verdict',
    );
    assert.equal(await page.evaluate(() => document.activeElement.matches('.verdict h2')), true);
    assert.equal(await page.locator('.verdict').getAttribute('aria-busy'), 'false');
    const { verdict } = words.zh;
    const heading = await shown(page, '.verdict h2');
    assert.ok(heading.includes(verdict.rehearsal), 'a rehearsal is said to be one');
    if (kind === 'slip' && state === 'holds') {
      // One row agrees with what was published: that the draw was right is more than a slip can say (attack 39).
      assert.ok(heading.includes(verdict['slip-holds']) && !heading.includes(verdict.holds));
      assert.ok((await shown(page, '.verdict .lines')).includes(verdict['slip-limit']));
    }
    // Whoever serves the page, whose keys were believed, and as of when: with every verdict (attack 44).
    const facts = await shown(page, '.verdict dl.facts:last-of-type');
    assert.ok(facts.includes(sha256hex(utf8(item.trust))) && facts.includes(words.zh.page['served-file']), facts);
    assert.ok(facts.includes(asTyped(item.as_of).replace('T', ' ')), facts);
    const signs = await told(page, '.checks > li');
    if (state === 'fails')
      assert.ok(
        signs.every(({ colour: sign }) => sign !== all.holds),
        'beside a failure nothing is green',
      );
    else
      assert.ok(
        signs.every(({ colour: sign }) => sign !== all.fails),
        'nothing is red that does not fail',
      );
    assert.equal(
      await page.locator('#drawn table.struck').count(),
      state === 'fails' ? await page.locator('#drawn table').count() : 0,
    );
  });
}

onPage('what cannot be told is never shown as true or false, whatever is missing', async (page) => {
  const reasons = new Map();
  for (const item of CASES.bundle) {
    if (item.verdict !== 'unknown' || item.log) continue;
    for (const code of inState(item, 'unknown')) reasons.set(`${code} ${item.checks[code][1]}`, item);
  }
  assert.ok(reasons.size >= 12, [...reasons.keys()].join());
  await open(page);
  for (const [place, item] of [...new Set(reasons.values())].entries()) {
    assert.match(await choose(page, item, `case ${place}`), /^(?:unknown|sealed)$/, item.name);
    const decisive = await told(page, '.decisive > li');
    assert.ok(decisive.length > 0, item.name);
    for (const check of decisive) {
      assert.equal(check.state, 'unknown', `${item.name}: ${check.code}`);
      assert.match(check.why, /[\u4e00-\u9fff]/, `${item.name}: ${check.code} has a reason in words`);
    }
    assert.equal(await page.locator('#drawn table.struck').count(), 0, item.name);
  }
});

onPage('what cannot be read at all is an error in words, and no verdict', async (page) => {
  const unreadable = [...fullCases('bundle'), ...fullCases('slip')].filter(({ checks }) => !checks);
  assert.ok(unreadable.length >= 8);
  await open(page);
  await chooseTrust(page, named('bundle', 'plain').trust);
  for (const item of unreadable) {
    await chooseFile(page, bytesOf(named('bundle', 'plain')), `before ${item.name}`);
    await page.setInputFiles('#choose-file', { name: 'x', mimeType: 'text/plain', buffer: Buffer.from(bytesOf(item)) });
    await page.waitForSelector('.verdict[data-state="error"]');
    assert.match(await shown(page, '.verdict'), /[\u4e00-\u9fff]/);
    assert.equal(
      await page.locator('.checks, #drawn table, #lookup form').count(),
      0,
      'nothing of the file before is left',
    );
  }
});
