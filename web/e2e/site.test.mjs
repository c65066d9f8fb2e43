/** The public site as it is built, in a browser: a true draw is verified, and a host that lies gains nothing. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before } from 'node:test';

import { serve } from '../test/browser.mjs';
import { bytesOf, fullCases } from '../test/files.mjs';
import { findsNothing } from './axe.mjs';
import { current, testsIn } from './browser.mjs';
import { ILLS } from './host.mjs';
import { AS_OF, SPITE, makeOffice, noOffice } from './office.mjs';
import { SETTLED, chooseFile, chooseTime, chooseTrust, isInert, open, shown, sideways, stateOf } from './reader.mjs';

const missing = current.missing || noOffice;
const onPage = testsIn({ ...current, missing });
const DRAW = 'd/3/';
const PAGE = `${DRAW}index.html`;
const BUNDLE = `${DRAW}bundle.fairdraw.json`;

let office;
let result; // [no, team, ticket] of the bundle's own result list
before(() => {
  if (missing) return;
  office = makeOffice();
  const { artifacts } = JSON.parse(office.bundle);
  const texts = artifacts.map(({ data }) => Buffer.from(data, 'base64').toString());
  const lines = texts
    .find((text) => text.includes('"ticket"'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  result = lines.filter(({ ticket }) => ticket);
});

/** Serve the site, with some of its files changed. */
async function onSite(act, change = () => {}, ill = {}) {
  const files = new Map(office.site);
  change(files);
  const site = await serve(files, ill);
  try {
    await act(site);
  } finally {
    await site.close();
  }
}

const edited = (path, edit) => (files) => {
  const text = files.get(path).toString();
  const changed = edit(text);
  assert.notEqual(changed, text, 'the test changes nothing');
  files.set(path, Buffer.from(changed));
};

/** That the table is shown as what it is: with a verdict that holds, or struck through and called unproven. */
async function tableIs(page, state) {
  await page.waitForSelector(state === 'proven' ? '.caption:not(.unproven)' : '.caption.unproven');
  assert.equal(await page.locator('#result.struck').count(), state === 'struck' ? 1 : 0);
}

onPage('the list of draws leads to a draw, which the browser verifies from the log beside it', async (page) => {
  await onSite(async (site) => {
    await page.goto(site.base);
    await page.waitForSelector('#filter-text');
    await page.click('#draws tbody th a');
    await page.waitForURL(`**/${DRAW}**`);
    assert.equal(await stateOf(page), 'holds');
    await tableIs(page, 'proven');
    assert.equal(await page.locator('.checks > li').count(), 24);
    assert.ok(
      site.asked.some((path) => path.startsWith('tile/entries/')),
      'read from the tiles',
    );
    assert.ok(
      (await page.locator('.verdict .hash').allTextContents()).length > 0,
      'the trust file is named by its digest',
    );
  });
});

onPage('draws are found by words and by state, and the count is read out', async (page) => {
  await onSite(async (site) => {
    await page.goto(site.base);
    const rows = () => page.locator('#draws tbody tr:visible').count();
    const told = page.locator('.note[role="status"]');
    const all = await rows();
    assert.ok(all >= 1);
    await page.fill('#filter-text', 'no draw has these words');
    assert.equal(await rows(), 0);
    const none = await told.innerText();
    await page.fill('#filter-text', '2026/FUND-use');
    assert.equal(await rows(), all);
    assert.notEqual(await told.innerText(), none);
    const states = await page
      .locator('#filter-state option')
      .evaluateAll((options) => options.map(({ value }) => value));
    assert.deepEqual(states, ['', 'public']);
    await page.selectOption('#filter-state', 'public');
    assert.equal(await rows(), all);
  });
});

onPage('a number is looked up without the network, and no server learns of it', async (page) => {
  await onSite(async (site) => {
    const [{ no }] = result;
    await page.goto(`${site.base}${DRAW}`);
    assert.equal(await stateOf(page), 'holds');
    const before = site.asked.length;
    await page.context().setOffline(true);
    await page.fill('#lookup-no', no);
    await page.press('#lookup-no', 'Enter');
    await page.waitForSelector(`.sentence[data-outcome="drawn"]:has-text("${no}")`);
    const drawn = new Set(result.map((line) => line.no));
    const other = Array.from({ length: 60 }, (_, place) => `H-${String(place + 1).padStart(4, '0')}`).find(
      (one) => !drawn.has(one),
    );
    await page.fill('#lookup-no', other);
    await page.press('#lookup-no', 'Enter');
    await page.waitForSelector(`.sentence[data-outcome="other"]:has-text("${other}")`);
    assert.deepEqual(site.asked.slice(before), []);
    // What the page says to paste prints what the page says.
    const lines = await page.locator('.answer pre').allTextContents();
    const answer = await page.locator('.answer').textContent();
    assert.equal(lines.length, 2);
    for (const line of lines) {
      const [printed] = execFileSync('sh', ['-c', line]).toString().split(' ');
      assert.ok(answer.includes(printed), line);
    }
  });
});

onPage("a paper's code is answered at once; of another draw it is said that it is another", async (page) => {
  await onSite(async (site) => {
    const [{ no }] = result;
    const { draw } = JSON.parse(office.bundle);
    await page.goto(`${site.base}${DRAW}#${draw}.${no}`);
    await page.waitForSelector('#notice[data-same="true"]');
    await page.waitForSelector(`.sentence[data-outcome="drawn"]:has-text("${no}")`);
    await page.goto('about:blank');
    await page.goto(`${site.base}${DRAW}#${'f'.repeat(64)}.${no}`);
    await page.waitForSelector('#notice[data-same="false"]');
    assert.equal(await page.locator('.sentence').count(), 0, "another draw's number is not answered from this one");
    assert.ok(site.asked.every((path) => !path.includes(no) && !path.includes(draw)));
  });
});

/** What a server may do to the table of a true result. */
const FORGERIES = {
  'another number': (html) => html.replaceAll(result[0].no, 'H-9999'),
  'another inspector': (html) =>
    html.replace(`<span class="number">${result[0].team[0][1]}</span>`, '<span class="number">I-99</span>'),
  'another ticket': (html) => html.replace(result[0].ticket, result[0].ticket.replace(/^./, 'f')),
  'another order': (html) => html.replace(/(<tr data-no=[^]*?<\/tr>)(\s*)(<tr data-no=[^]*?<\/tr>)/, '$3$2$1'),
  'a row less': (html) => html.replace(/<tr data-no=[^]*?<\/tr>/, ''),
  'a row more': (html) => html.replace(/(<tr data-no=[^]*?<\/tr>)/, '$1$1'),
};

onPage('a result that the server changed is struck through', async (page) => {
  for (const [what, edit] of Object.entries(FORGERIES)) {
    await onSite(
      async (site) => {
        await page.goto(`${site.base}${DRAW}`);
        await tableIs(page, 'struck');
        assert.equal(
          await stateOf(page),
          'fails',
          `${what}: a reader who scrolls no further must not see that it holds`,
        );
      },
      edited(PAGE, edit),
    );
  }
});

onPage('a true bundle of another draw, or a page that claims to be another, has no verdict to borrow', async (page) => {
  const other = fullCases('bundle').find(({ name }) => name === 'plain');
  const { announcement, draw } = JSON.parse(office.bundle);
  for (const change of [
    (files) => files.set(BUNDLE, Buffer.from(bytesOf(other))),
    edited(PAGE, (html) =>
      html.replace(`data-announcement="${announcement}"`, `data-announcement="${'0'.repeat(64)}"`),
    ),
    edited(PAGE, (html) => html.replace(`data-draw="${draw}"`, `data-draw="${'0'.repeat(64)}"`)),
  ]) {
    await onSite(async (site) => {
      await page.goto(`${site.base}${DRAW}`);
      assert.equal(await stateOf(page), 'error');
      await tableIs(page, 'struck');
      assert.equal(await page.locator('#lookup form').count(), 0);
    }, change);
  }
});

onPage(
  "under a stranger's trust file the same site fails, and the reader's own file outweighs the site's",
  async (page) => {
    const stranger = fullCases('bundle').find(({ name }) => name === 'plain').trust;
    await onSite(
      async (site) => {
        await page.goto(`${site.base}${DRAW}`);
        assert.equal(await stateOf(page), 'fails');
        await tableIs(page, 'struck');
      },
      (files) => files.set('trust', Buffer.from(stranger)),
    );
    await onSite(async (site) => {
      await page.goto(`${site.base}verify.html`);
      await page.setInputFiles('#choose-trust', {
        name: 'mine',
        mimeType: 'text/plain',
        buffer: Buffer.from(stranger),
      });
      await page.waitForSelector('.trust .chosen[data-source="kept"]');
      await page.goto(`${site.base}${DRAW}`);
      assert.equal(await stateOf(page), 'fails');
    });
  },
);

// --- a host that lies or falls ill ---------------------------------------------------------------------------------

/** Without these files nothing can hold; a checkpoint that is gone or changed leaves those in `cosigned/`. */
const NEEDED = {
  'the entries': /^tile\/entries\//,
  'the trust file': /^trust$/,
  'the bundle': /bundle\.fairdraw\.json$/,
};

/** What is not tried, and why. */
const NOT = {
  'the entries': ['never comes'], // has a test of its own
  'the bundle': ['never comes', 'never ends'], // one may have a gigabyte
  'the trust file': ['never comes', 'never ends', 'is cut', 'has a bit flipped'], // nobody signs it: it is another
};

for (const [name, path] of Object.entries(NEEDED)) {
  onPage(
    `where ${name} cannot be had as it is, whatever happens to it, nothing holds and the page says so`,
    async (page) => {
      await onSite(
        async (site) => {
          for (const [ill, how] of Object.entries(ILLS)) {
            if (NOT[name].includes(ill)) continue;
            Object.assign(site.ill, { path, how });
            await page.goto(`${site.base}${DRAW}`);
            const state = await stateOf(page);
            assert.match(state, /^(?:error|unknown|fails)$/, `${name} ${ill}`);
            assert.match(await shown(page, '.verdict'), /[\u4e00-\u9fff]{6}/, `${name} ${ill}: in words`);
            assert.equal(
              await page.locator('.caption:not(.unproven)').count(),
              0,
              `${name} ${ill}: the table is not called proven`,
            );
            assert.equal(
              await page.locator('.verdict .strip ~ .body > pre').count(),
              0,
              `${name} ${ill}: no fault of the page`,
            );
          }
        },
        () => {},
        {},
      );
    },
    { allow: /stranger\.example|Content Security Policy|connect-src/ },
  );
}

onPage('a host that falls silent is given up, in words', async (page) => {
  await page.clock.install();
  await onSite(async (site) => {
    for (const path of [/^tile\/entries\//, /^checkpoint$/, /bundle\.fairdraw\.json$/, /^trust$/]) {
      Object.assign(site.ill, { path, how: ILLS['never comes'] });
      site.asked.length = 0;
      await page.goto(`${site.base}${DRAW}`);
      while (!site.asked.some((asked) => path.test(asked))) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await page.locator('.verdict').getAttribute('data-state'), 'working');
      await page.clock.fastForward(31_000);
      assert.equal(await stateOf(page), 'error');
      assert.equal(await page.locator('.caption:not(.unproven)').count(), 0);
    }
  });
});

onPage('on the verifier page an ill log is no log: the file is verified alone, and why is said', async (page) => {
  await onSite(async (site) => {
    for (const ill of ['is not there', 'breaks down', 'is a web page', 'breaks off', 'is empty']) {
      for (const path of [/^tile\/entries\//, /^cosigned\/index$/]) {
        Object.assign(site.ill, { path, how: ILLS[ill] });
        await page.goto(`${site.base}verify.html`);
        await page.waitForSelector('.trust .hash');
        await page.setInputFiles('#choose-file', { name: 'x', mimeType: 'text/plain', buffer: office.bundle });
        assert.match(await stateOf(page), /^(?:unknown|fails)$/, `${path} ${ill}`);
        assert.equal(await page.locator('.verdict .body > pre').count(), 0, `${path} ${ill}`);
      }
    }
  });
});

onPage(
  'a script that was changed by one byte is not run, and the page says what to do',
  async (page) => {
    await onSite(
      async (site) => {
        for (const address of [DRAW, '']) {
          await page.goto(`${site.base}${address}`);
          await page.waitForTimeout(200);
          assert.equal(await page.locator(SETTLED).count(), 0);
          assert.equal(await page.locator('#filter-text').count(), 0);
        }
        await page.goto(`${site.base}${DRAW}`);
        const told = await shown(page, '#verdict');
        assert.match(told, /核验程序没有运行[^]*尚未证实/);
        assert.match(told, /the verifier has not run[^]*nothing[^]*is proven/);
      },
      (files) => files.set('fairdraw.js', Buffer.concat([files.get('fairdraw.js'), Buffer.from(' ')])),
    );
  },
  { allow: /integrity/ },
);

onPage(
  'a style sheet that was changed is left out, and the verdict still stands in words',
  async (page) => {
    await onSite(
      async (site) => {
        await page.goto(`${site.base}${DRAW}`);
        assert.equal(await stateOf(page), 'holds');
        assert.match(await shown(page, '.verdict h2'), /[\u4e00-\u9fff]/);
      },
      (files) =>
        files.set('fairdraw.css', Buffer.concat([Buffer.from('.verdict{display:none}'), files.get('fairdraw.css')])),
    );
  },
  { allow: /integrity/ },
);

onPage(
  'without scripts a draw can be read, and the page says how to verify it',
  async (page) => {
    await onSite(async (site) => {
      await page.goto(`${site.base}${DRAW}`);
      const told = await shown(page, '#verdict');
      assert.match(told, /verify\.html/);
      assert.match(told, /fairdraw verify/);
      assert.equal(await page.locator('#result tbody tr').count(), result.length);
    });
  },
  { javaScriptEnabled: false },
);

// --- whoever reads -------------------------------------------------------------------------------------------------

const PAGES = [
  ['', '#filter-text'],
  ['about/', 'h1'],
  [DRAW, SETTLED],
  ['verify.html', '#choose-trust'],
];

/** Each page of the site, with all that is folded away. */
async function onEachPage(page, act) {
  await onSite(async (site) => {
    for (const [address, ready] of PAGES) {
      await page.goto(`${site.base}${address}`);
      await page.waitForSelector(ready, { state: 'attached' });
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      await act(address);
    }
  });
}

onPage("axe finds nothing to mend on the site's pages, by day and by night", async (page) => {
  await onEachPage(page, (address) => findsNothing(page, address));
});

onPage('a narrow screen is not moved sideways by any page of the site', async (page) => {
  await onEachPage(page, async (address) => {
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 740 });
      assert.deepEqual(await sideways(page), [], `${address} at ${width}`);
    }
  });
});

onPage('names that want to be more than text are text on the site, too', async (page) => {
  await onEachPage(page, async (address) => {
    const strange = 'img, main script, [onerror], [onload], [onmouseover], a[href^="javascript:"]';
    assert.equal(await page.locator(strange).count(), 0, address);
    const headings = await page.locator('h2').evaluateAll((all) => all.map(({ textContent }) => textContent));
    assert.ok(!headings.includes('核验通过 VERIFIED'), address);
  });
});

onPage(
  "an owner's slip shows the row's fields as they are written, and nothing of them is executed",
  async (page) => {
    await open(page);
    await chooseTrust(page, office.trust);
    await chooseTime(page, Date.parse(AS_OF) / 1000);
    for (const place of [0, 1, 3, 7]) {
      const no = `H-${String(place + 1).padStart(4, '0')}`;
      assert.equal(await chooseFile(page, office.slip(no), `slip ${no}`), 'holds');
      await page.waitForSelector('.answer .sentence');
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      assert.ok((await shown(page, '.answer')).includes(SPITE[place].slice(0, 300)), `${no}: shown as it is`);
      await isInert(page, SPITE[place].slice(0, 40));
    }
    await page.evaluate(() => document.querySelector('#alone').click());
    assert.equal(await chooseFile(page, office.bundle, 'the bundle'), 'holds');
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
    await isInert(page, 'strata');
  },
  { width: 320 },
);
