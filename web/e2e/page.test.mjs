/** The built pages in a real browser, as a reader meets them: `npm run build` first. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { formatTime, utf8 } from '../src/core/encoding.mjs';
import { beijing } from '../src/page/reading.mjs';
import {
  INTRANET,
  VERIFIER,
  asFile,
  built,
  drawPage,
  folderOfLog,
  indexPage,
  launch,
  noBrowser,
  serve,
  siteOf,
} from '../test/browser.mjs';
import { bytesOf, fullCases, reportOf } from '../test/files.mjs';
import { vectors } from '../test/vectors.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const bundles = new Map(fullCases('bundle').map((item) => [item.name, item]));
const slips = new Map(fullCases('slip').map((item) => [item.name, item]));
const PLAIN = bundles.get('plain');
const HASH = PLAIN.file.draw;

let browser;
before(async () => {
  if (!noBrowser) browser = await launch();
});
after(() => browser?.close());

/** A test with a page of its own, which may neither log an error nor reach for anything beyond what is served. */
function inBrowser(name, act, { width = 1000, expectErrors = false, ...options } = {}) {
  test(name, { skip: noBrowser }, async () => {
    const context = await browser.newContext({
      viewport: { width, height: 800 },
      locale: 'zh-CN',
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    const complaints = [];
    const requests = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on(
      'console',
      (message) =>
        message.type() === 'error' && !/404 \(Not Found\)/.test(message.text()) && complaints.push(message.text()),
    );
    page.on('request', (request) => requests.push(request.url()));
    try {
      await act(page, { requests, complaints });
      if (!expectErrors) assert.deepEqual(complaints, []);
      const stray = requests.filter(
        (url) => !/^(file:|blob:|data:|http:\/\/127\.0\.0\.1:|http:\/\/intranet\.example\.cn:)/.test(url),
      );
      assert.deepEqual(stray, [], 'a page asks nobody but who served it');
    } finally {
      await context.close();
    }
  });
}

const settled = '.verdict[data-state]:not([data-state="working"])';
const stateOf = async (page) => (await page.waitForSelector(settled)).getAttribute('data-state');
const shown = (page, selector) => page.locator(selector).innerText();

/** Give the verifier page a file, a trust file and a time, and wait for its verdict. */
async function verify(page, item, { address = VERIFIER, log = null, alone = false } = {}) {
  await page.goto(address);
  await page.setInputFiles('#choose-trust', asFile('trust', utf8(item.trust)));
  await page.waitForSelector('.trust .hash');
  await page.evaluate(() => (document.querySelector('.options').open = true));
  await page.fill('#as-of', asTyped(item.as_of));
  if (alone) await page.check('#alone');
  if (log) await page.setInputFiles('#choose-log', log);
  await page.setInputFiles('#choose-file', asFile('x.fairdraw.json', bytesOf(item)));
  return stateOf(page);
}
const asTyped = (seconds) => beijing(seconds).slice(0, 19).replace(' ', 'T');

// --- verdicts ------------------------------------------------------------------------------------------------------

inBrowser('a genuine draw with its log is verified, from a file, without a network', async (page) => {
  await page.context().setOffline(true);
  const log = folderOfLog(PLAIN.log);
  assert.equal(await verify(page, PLAIN, { log }), 'holds');
  assert.match(await shown(page, '.verdict h2'), /核验通过/);
  assert.match(await shown(page, '.verdict .facts'), /本设备上的一个文件/);
  assert.match(await shown(page, '.verdict .facts'), new RegExp(`${reportOf(PLAIN).trust}`));
  assert.equal(await page.locator('.all-checks li').count(), 24);
  assert.equal(await page.locator('#drawn tbody tr').count(), reportOf(PLAIN).drawn.length);
  assert.equal(await page.locator('#drawn table.struck').count(), 0);
});

inBrowser('without the log nobody is told that there is no other draw', async (page) => {
  assert.equal(await verify(page, PLAIN), 'unknown');
  assert.match(await shown(page, '.verdict h2'), /暂不能下结论/);
  assert.match(await shown(page, '.decisive'), /没有读取公开日志/);
  await page.check('#alone');
  await page.waitForSelector('.verdict[data-state="holds"]');
  assert.match(await shown(page, '.verdict .lines'), /是否另有未公布的抽取：未检查/);
});

inBrowser('a sealed draw is neither verified nor refused, and shows no number', async (page) => {
  assert.equal(await verify(page, bundles.get('sealed'), { alone: true }), 'sealed');
  assert.equal(await page.locator('#drawn table').count(), 0);
});

inBrowser('in a draw that fails nothing is green, and the published result is struck through', async (page) => {
  assert.equal(await verify(page, bundles.get('cosigned after the round'), { alone: true }), 'fails');
  assert.match(await shown(page, '.verdict h2'), /核验不通过/);
  assert.match(await shown(page, '.decisive'), /公告先于随机数/);
  await page.click('.all-checks > summary');
  const colourOf = (selector) =>
    page
      .locator(selector)
      .first()
      .evaluate((icon) => getComputedStyle(icon).color);
  const green = await page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.setProperty('color', 'var(--holds)');
    return getComputedStyle(probe).color;
  });
  assert.notEqual(await colourOf('.all-checks li[data-state="holds"] .icon'), green);
  assert.equal(await page.locator('#drawn table.struck').count(), 1);
  assert.match(await shown(page, '#drawn'), /未获证实/);
});

inBrowser('what waits for a failed check has no sign of its own', async (page) => {
  await verify(page, bundles.get('a row of the roster changed'), { alone: true });
  await page.click('.all-checks > summary');
  assert.equal(await page.locator('.all-checks li[data-code="selection"]').getAttribute('data-state'), 'waits');
  assert.equal(await page.locator('.decisive li').count(), 1);
});

inBrowser(
  'the page says what every vector must say',
  async (page) => {
    const wanted = { 0: 'holds', 1: 'fails', 3: 'unknown' };
    const names = [
      'capped',
      'an inspector swapped',
      'a proof with a flipped bit',
      'no draw',
      'a pulse of another round',
      'opened',
      'trust file: another log',
    ];
    await page.goto(VERIFIER);
    for (const name of names) {
      const item = bundles.get(name);
      assert.equal(await verify(page, item, { alone: true }), wanted[reportOf(item).exit_code], name);
    }
  },
  { width: 360 },
);

inBrowser(
  'whoever is not in the trust file is shown with its key id, and cannot be trusted by a click',
  async (page) => {
    assert.equal(await verify(page, bundles.get('trust file: another log'), { alone: true }), 'fails');
    assert.match(await shown(page, '.verdict .actions'), new RegExp(`${PLAIN.file.log} [0-9a-f]{8}`));
    const buttons = await page.locator('#verdict button').allInnerTexts();
    assert.deepEqual(buttons, ['保存核验报告', '打印']);
  },
);

inBrowser('a report is saved as the command line writes it', async (page) => {
  await verify(page, PLAIN, { log: folderOfLog(PLAIN.log) });
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=保存核验报告')]);
  const saved = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.deepEqual(saved, JSON.parse(JSON.stringify(reportOf(PLAIN, { bundleOnly: false, asOfGiven: true }))));
});

// --- a number, a slip, a paper -------------------------------------------------------------------------------------

inBrowser('a number is looked up, with the commands that do the same', async (page) => {
  await verify(page, PLAIN, { alone: true });
  const [[drawn]] = reportOf(PLAIN).drawn;
  await page.fill('#lookup-no', drawn.toLowerCase());
  await page.press('#lookup-no', 'Enter');
  await page.waitForSelector('.sentence[data-outcome="drawn"]');
  assert.match(await shown(page, '.answer'), new RegExp(`编号 ${drawn} 在名录中`));
  await page.click('.answer summary');
  assert.match(
    await page.locator('.answer pre').last().innerText(),
    new RegExp(`printf '%s.nobject.n${drawn}.n' [0-9a-f]{64} \\| sha256sum`),
  );
  await page.fill('#lookup-no', '<b>x</b>');
  await page.press('#lookup-no', 'Enter');
  assert.match(await shown(page, '.answer'), /这不是编号/);
  await page.fill('#lookup-no', 'NOBODY');
  await page.press('#lookup-no', 'Enter');
  await page.waitForSelector('text=不在本次抽取所用的名录中');
});

inBrowser('a slip answers for its number and shows its owner', async (page) => {
  const item = slips.get("an object that was drawn, the owner's copy");
  assert.equal(await verify(page, item), 'holds');
  assert.match(await shown(page, '.verdict h2'), /与已公布的结果一致/);
  assert.match(await shown(page, '.answer'), /抽中/);
  assert.match(await shown(page, '.answer'), /凭证所附的本人字段/);
});

inBrowser('a slip that is not its row does not answer', async (page) => {
  assert.equal(await verify(page, slips.get('an undrawn object told that it was')), 'fails');
  assert.equal(await page.locator('.sentence').count(), 0);
});

inBrowser('the code on a paper is compared with the file, and its number is answered at once', async (page) => {
  const [[drawn]] = reportOf(PLAIN).drawn;
  await verify(page, PLAIN, { address: `${VERIFIER}#${HASH}.${drawn}`, alone: true });
  assert.equal(await page.locator('#notice').getAttribute('data-same'), 'true');
  await page.waitForSelector(`.sentence:has-text("${drawn}")`);
});

inBrowser('a paper of another draw is said to be one', async (page) => {
  await verify(page, PLAIN, { address: `${VERIFIER}#${'0'.repeat(64)}`, alone: true });
  assert.equal(await page.locator('#notice').getAttribute('data-same'), 'false');
  assert.match(await shown(page, '#notice'), /不是这一次/);
});

inBrowser('the number on a paper of another draw is not answered', async (page) => {
  const [[drawn]] = reportOf(PLAIN).drawn;
  await verify(page, PLAIN, { address: `${VERIFIER}#${'0'.repeat(64)}.${drawn}`, alone: true });
  assert.equal(await page.locator('#notice').getAttribute('data-same'), 'false');
  assert.equal(await page.locator('.sentence').count(), 0);
});

inBrowser('a file that cannot be read is not said to be of the draw that it claims', async (page) => {
  const claims = { ...PLAIN, file: { ...PLAIN.file, draw: '0'.repeat(64) } };
  assert.equal(await verify(page, claims, { address: `${VERIFIER}#${'0'.repeat(64)}`, alone: true }), 'fails');
  assert.equal(await page.locator('#notice').getAttribute('data-same'), null);
});

inBrowser('a slip in codes is verified when the last one is scanned, and then nothing of it stays', async (page) => {
  const { parts, file } = vectors('slipcode').accept.find(({ name }) => name.startsWith('a slip'));
  await page.goto(VERIFIER);
  await page.setInputFiles('#choose-trust', asFile('trust', utf8([...slips.values()][0].trust)));
  await page.waitForSelector('.trust .hash');
  for (const part of parts) {
    await page.goto('about:blank');
    await page.goto(`${VERIFIER}#${part}`);
    await page.waitForSelector(settled);
  }
  assert.notEqual(await page.locator('.verdict').getAttribute('data-state'), 'error');
  assert.equal(await page.evaluate(() => localStorage.getItem('fairdraw-slip-parts')), null);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=保存凭证文件')]);
  assert.equal(readFileSync(await download.path(), 'utf8'), file);
});

inBrowser('codes can be pasted, and a code that was misread is refused', async (page) => {
  const { parts } = vectors('slipcode').accept.find(({ name }) => name.startsWith('a slip'));
  await page.goto(VERIFIER);
  await page.setInputFiles('#choose-trust', asFile('trust', utf8([...slips.values()][0].trust)));
  await page.waitForSelector('.trust .hash');
  const paste = async (text) => {
    await page.click('text=粘贴 >> nth=0');
    await page.fill('#pasted', text);
    await page.click('.paste button');
    return stateOf(page);
  };
  assert.equal(
    await paste(parts.map((part) => `x#${part.slice(0, -1)}${(Number(part.slice(-1)) + 1) % 10}`).join(' ')),
    'error',
  );
  await paste(parts.map((part) => `https://yb.example.cn/verify.html#${part}`).join('\n'));
  await page.waitForSelector(`${settled}:not([data-state="error"])`);
});

inBrowser('a broken fragment is said to be one', async (page) => {
  await page.goto(`${VERIFIER}#${HASH.slice(3)}`);
  await page.waitForSelector('#notice:has-text("残缺")');
});

// --- what cannot be read -------------------------------------------------------------------------------------------

inBrowser('each kind of bad file has its own sentence, and none is a verdict', async (page) => {
  const text = new TextDecoder().decode(bytesOf(PLAIN));
  await page.goto(VERIFIER);
  await page.setInputFiles('#choose-trust', asFile('trust', utf8(PLAIN.trust)));
  for (const [bytes, sentence] of [
    [utf8('hello'), '这不是核验包，也不是凭证'],
    [utf8(text.slice(0, 3000)), '文件不完整'],
    [utf8(text.replace(/"v":0\}\n$/, '"v":1}\n')), '文件的版本比本页新'],
    [utf8(text.slice(0, -1) + ' \n'), '文件不合格式'],
  ]) {
    await page.setInputFiles('#choose-file', asFile('x', bytes));
    await page.waitForSelector(`.verdict[data-state="error"] h2:has-text("${sentence}")`);
  }
});

inBrowser('a file that is no trust file is refused, and is not kept', async (page) => {
  await page.goto(VERIFIER);
  const key = 'PRIVATE+KEY+log.example.cn+00000000+AAAA';
  await page.setInputFiles('#choose-trust', asFile('log.key', utf8(`fairdraw/trust v2\n${key}\n`)));
  await page.waitForSelector('.verdict[data-state="error"]');
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage })), '{}');
  assert.doesNotMatch(await page.content(), /PRIVATE/);
});

inBrowser('a trust file is remembered and can be forgotten', async (page) => {
  await verify(page, PLAIN, { alone: true });
  await page.reload();
  await page.waitForSelector('.trust .chosen[data-source="kept"] .hash');
  await page.click('text=忘掉这份信任文件');
  await page.waitForSelector('.trust .chosen[data-source="none"]');
  await page.reload();
  await page.waitForSelector('.trust .chosen[data-source="none"]');
});

inBrowser('values of a stranger stay text', async (page) => {
  const evil = '"><img src=x onerror=alert(1)>\u202e<script>alert(2)</script>';
  await page.goto(VERIFIER);
  await page.setInputFiles('#choose-trust', asFile(evil, utf8(PLAIN.trust)));
  await page.setInputFiles('#choose-file', asFile(`${evil}.json`, bytesOf(PLAIN)));
  await page.waitForSelector(settled);
  assert.equal(await page.locator('img, main script').count(), 0);
  const text = await page.locator('main').innerText();
  assert.match(text, /<img src=x/);
  assert.doesNotMatch(text, /\u202e/);
  assert.match(text, /\\u\{202e\}/);
});

// --- browsers ------------------------------------------------------------------------------------------------------

inBrowser(
  'a page of an intranet without https verifies alike, and says that it could be changed on the way',
  async (page) => {
    const site = await serve(siteOf({ ...PLAIN, asOf: '' }));
    try {
      assert.equal(await verify(page, PLAIN, { address: `${site.intranet}verify.html` }), 'holds');
      assert.equal(await page.evaluate(() => isSecureContext), false);
      assert.match(await shown(page, '.verdict .facts'), new RegExp(`${INTRANET}.*未加密`));
      assert.match(await shown(page, '.verdict .facts'), /已从 .* 读取，共 5 个条目/);
    } finally {
      await site.close();
    }
  },
);

inBrowser('without a Worker the page verifies on its own thread', async (page) => {
  await page.addInitScript(() => delete globalThis.Worker);
  assert.equal(await verify(page, PLAIN, { alone: true }), 'holds');
});

inBrowser('a Worker that never starts is replaced', async (page) => {
  await page.addInitScript(() => {
    globalThis.Worker = class {
      constructor() {
        setTimeout(() => this.onerror({ message: 'blocked', preventDefault: () => {} }), 20);
      }
      postMessage() {}
      terminate() {}
    };
  });
  assert.equal(await verify(page, PLAIN, { alone: true }), 'holds');
});

inBrowser('a browser that remembers nothing verifies all the same', async (page) => {
  await page.addInitScript(() =>
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError');
      },
    }),
  );
  assert.equal(await verify(page, PLAIN, { alone: true }), 'holds');
  assert.match(await shown(page, '.trust .chosen'), /未能记住/);
});

inBrowser(
  'the checks appear one by one where motion is welcome',
  async (page) => {
    // Looked at from within the page: a look from outside comes too late on a busy machine.
    await page.addInitScript(() => {
      globalThis.ticked = [];
      new MutationObserver(() => {
        if (document.querySelector('.verdict')?.dataset.state !== 'working') return;
        const count = document.querySelectorAll('.ticking li').length;
        if (count !== globalThis.ticked.at(-1)) globalThis.ticked.push(count);
      }).observe(document, { attributes: true, childList: true, subtree: true });
    });
    assert.equal(await verify(page, PLAIN, { log: folderOfLog(PLAIN.log) }), 'holds');
    const ticked = await page.evaluate(() => globalThis.ticked.filter(Boolean));
    assert.ok(ticked.length > 5, `seen while it worked: ${ticked}`);
    assert.deepEqual(ticked, ticked.toSorted((a, b) => a - b));
  },
  { reducedMotion: 'no-preference' },
);

inBrowser(
  'without scripts the page says why nothing happens',
  async (page) => {
    await page.goto(VERIFIER);
    const text = await shown(page, '#inputs');
    assert.match(text, /核验程序尚未运行/);
    assert.match(text, /The verifier has not run yet/);
    assert.match(text, /fairdraw verify/);
  },
  { javaScriptEnabled: false },
);

inBrowser(
  'a script with one byte more is not run',
  async (page, { complaints }) => {
    const files = siteOf({ ...PLAIN, asOf: '' });
    files.set('fairdraw.js', Buffer.concat([built('fairdraw.js'), Buffer.from(' ')]));
    const site = await serve(files);
    try {
      await page.goto(`${site.base}d/3/`);
      assert.equal(await shown(page, '#verdict'), 'static');
      assert.match(complaints.join(), /integrity/);
    } finally {
      await site.close();
    }
  },
  { expectErrors: true },
);

inBrowser(
  'the verifier page may not be given another script',
  async (page, { complaints }) => {
    const site = await serve(
      new Map([
        ['verify.html', Buffer.from(built('verify.html').toString().replace('fairdrawCore(){', 'fairdrawCore(){ '))],
      ]),
    );
    try {
      await page.goto(`${site.base}verify.html`);
      assert.match(await shown(page, '#inputs'), /核验程序尚未运行/);
      assert.match(complaints.join(), /Content Security Policy/);
    } finally {
      await site.close();
    }
  },
  { expectErrors: true },
);

// --- languages, eyes, hands ----------------------------------------------------------------------------------------

inBrowser('the language can be changed, and is remembered', async (page) => {
  await page.goto(VERIFIER);
  assert.match(await shown(page, 'h1'), /抽取结果核验/);
  await page.click('text=English');
  assert.match(await shown(page, 'h1'), /Verify a draw/);
  assert.doesNotMatch(await shown(page, 'main'), /[\u4e00-\u9fff]/);
  await page.reload();
  assert.match(await shown(page, 'h1'), /Verify a draw/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
});

for (const colorScheme of ['light', 'dark']) {
  for (const name of ['plain', 'cosigned after the round', 'sealed']) {
    inBrowser(
      `axe finds nothing to mend: ${name}, ${colorScheme}`,
      async (page) => {
        await verify(page, bundles.get(name), { alone: true });
        await page.click('.all-checks > summary');
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document));
        assert.deepEqual(
          violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
          [],
        );
      },
      { colorScheme },
    );
  }
}

inBrowser(
  'nothing is wider than the narrowest telephone, and everything to press is large enough',
  async (page) => {
    await verify(page, bundles.get('cosigned after the round'), { alone: true });
    await page.click('.all-checks > summary');
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, summary, select, textarea, input:not([type=checkbox]):not([hidden])')]
        .filter((one) => one.offsetParent && Math.min(one.offsetHeight, one.offsetWidth) < 44)
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(small, []);
  },
  { width: 320 },
);

inBrowser('all of it can be done by keyboard', async (page) => {
  await verify(page, PLAIN, { alone: true });
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H2', 'the verdict is read first');
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.id === 'lookup-no')) break;
  }
  const [[drawn]] = reportOf(PLAIN).drawn;
  await page.keyboard.type(drawn);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.sentence[data-outcome="drawn"]');
});

inBrowser('a printed page has every check and no button', async (page) => {
  await verify(page, PLAIN, { alone: true });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.all-checks li:visible').count(), 24);
  assert.equal(await page.locator('button:visible').count(), 0);
});

// --- the public site -----------------------------------------------------------------------------------------------

const timeOf = (item) => formatTime(item.as_of);
const SITE = { ...PLAIN, asOf: timeOf(PLAIN) };

/** The lines of the result as the file carries them. */
function linesOf(item) {
  const results = item.file.artifacts
    .map(({ data }) => Buffer.from(data, 'base64').toString())
    .find((text) => text.includes('"ticket"'));
  const lines = results
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ ticket }) => ticket);
  return lines.map(({ no, team, experts, ticket }) => [
    no,
    [...team.map(([, inspector]) => inspector), ...experts],
    ticket,
  ]);
}

async function onSite(page, change, act) {
  const files = siteOf(SITE);
  files.set('d/3/index.html', Buffer.from(drawPage(SITE, linesOf(PLAIN))));
  await change(files);
  const site = await serve(files);
  try {
    await act(site);
  } finally {
    await site.close();
  }
}

inBrowser('a draw page verifies itself from the log beside it, and its table stands', async (page) => {
  await onSite(
    page,
    () => {},
    async (site) => {
      await page.goto(`${site.base}d/3/`);
      assert.equal(await stateOf(page), 'holds');
      await page.waitForSelector('.caption:has-text("逐项一致")');
      assert.equal(await page.locator('#result.struck').count(), 0);
      assert.match(await shown(page, '.verdict .facts'), /该网站替您选定/);
      assert.ok(site.asked.includes('tile/entries/000.p/5'), site.asked.join());
    },
  );
});

inBrowser('a table that is not the result is struck through', async (page) => {
  const changed = linesOf(PLAIN);
  changed[0] = ['H-000099', changed[0][1], changed[0][2]];
  await onSite(
    page,
    (files) => files.set('d/3/index.html', Buffer.from(drawPage(SITE, changed))),
    async (site) => {
      await page.goto(`${site.base}d/3/`);
      await page.waitForSelector('#result.struck');
      await page.waitForSelector('.unproven:has-text("不一致")');
      assert.equal(await stateOf(page), 'fails', 'a reader who scrolls no further must not see a tick');
      assert.match(await shown(page, '.verdict h2'), /不一致/);
      assert.match(await shown(page, '.verdict .lines'), /核验包本身：.*核验通过/);
    },
  );
});

inBrowser('a bundle of another draw lends the page no verdict', async (page) => {
  const page3 = (files) => files.set('d/3/bundle.fairdraw.json', Buffer.from(bytesOf(bundles.get('capped'))));
  await onSite(page, page3, async (site) => {
    await page.goto(`${site.base}d/3/`);
    assert.equal(await stateOf(page), 'error');
    await page.waitForSelector('#result.struck');
  });
});

inBrowser('a log with a second draw fails the page, and its result is unproven', async (page) => {
  const other = bundles.get('a second draw in the log');
  const change = (files) => {
    for (const [path, bytes] of siteOf(other)) if (!path.startsWith('d/')) files.set(path, bytes);
    files.set('d/3/index.html', Buffer.from(drawPage(SITE, linesOf(PLAIN), timeOf(other))));
  };
  await onSite(page, change, async (site) => {
    await page.goto(`${site.base}d/3/`);
    assert.equal(await stateOf(page), 'fails');
    await page.waitForSelector('#result.struck');
    await page.waitForSelector('.unproven:has-text("未获证实")');
  });
});

inBrowser('a log that hides its entries, or a file that is gone, is no verdict that holds', async (page) => {
  for (const [path, state] of [
    ['tile/entries/000.p/5', /fails|unknown/],
    ['checkpoint', /error/],
    ['trust', /error/],
    ['d/3/bundle.fairdraw.json', /error/],
  ]) {
    await onSite(
      page,
      (files) => files.delete(path),
      async (site) => {
        await page.goto(`${site.base}d/3/`);
        assert.match(await stateOf(page), state, path);
        assert.equal(await page.locator('.caption:has-text("逐项一致")').count(), 0, path);
      },
    );
  }
});

inBrowser("a paper's code is answered on the draw page, and another draw's is said to be one", async (page) => {
  const [[drawn]] = reportOf(PLAIN).drawn;
  await onSite(
    page,
    () => {},
    async (site) => {
      await page.goto(`${site.base}d/3/#${HASH}.${drawn}`);
      await page.waitForSelector('#notice[data-same="true"]');
      await page.waitForSelector(`.sentence[data-outcome="drawn"]:has-text("${drawn}")`);
      await page.goto(`${site.base}d/3/#${'f'.repeat(64)}.${drawn}`);
      await page.waitForSelector('#notice[data-same="false"]');
      assert.ok(
        site.asked.every((path) => !path.includes(drawn)),
        'nobody learns which number was asked for',
      );
    },
  );
});

inBrowser("the reader's own trust file counts on the site too", async (page) => {
  await onSite(
    page,
    () => {},
    async (site) => {
      await page.goto(`${site.base}verify.html`);
      await page.waitForSelector('.trust .chosen[data-source="served"]');
      await page.setInputFiles('#choose-trust', asFile('mine', utf8(bundles.get('trust file: another log').trust)));
      await page.waitForSelector('.trust .chosen[data-source="kept"]');
      await page.goto(`${site.base}d/3/`);
      assert.equal(await stateOf(page), 'fails');
      assert.match(await shown(page, '.verdict .facts'), /您自己的信任文件 mine/);
    },
  );
});

inBrowser('draws are found by words, state and item, and the count is said', async (page) => {
  const rows = [
    { item: 'fund-use', states: ['public'], text: 'alpha' },
    { item: 'fund-use licence', states: ['public', 'substituted'], text: 'beta' },
    { item: 'licence', states: ['locked'], text: 'gamma' },
  ];
  const site = await serve(siteOf(SITE).set('index.html', Buffer.from(indexPage(rows))));
  const visible = async () => (await page.locator('#draws tbody tr:visible td:first-child').allInnerTexts()).join(' ');
  try {
    await page.goto(site.base);
    assert.equal(await visible(), 'alpha beta gamma');
    await page.selectOption('#filter-state', 'substituted');
    assert.equal(await visible(), 'beta');
    assert.match(await shown(page, '.note'), /显示 1 项，本页共 3 项/);
    await page.selectOption('#filter-state', '');
    await page.selectOption('#filter-item', 'licence');
    assert.equal(await visible(), 'beta gamma');
    await page.fill('#filter-text', 'GAMMA');
    assert.equal(await visible(), 'gamma');
    await page.click('text=English');
    assert.deepEqual(await page.locator('#filter-state option').allTextContents(), [
      'all',
      'locked-en',
      'public-en',
      'substituted-en',
    ]);
  } finally {
    await site.close();
  }
});
