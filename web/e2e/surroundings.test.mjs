/** The verifier page wherever it may stand: a file, a site, an intranet, no network; and what it refuses to run. */

import assert from 'node:assert/strict';

import { VERIFIER, built, folderOfLog, serve, siteOf } from '../test/browser.mjs';
import { bytesOf, fullCases } from '../test/files.mjs';
import { INTRANET, testsIn } from './browser.mjs';
import { chooseFile, open, shown, verify } from './reader.mjs';

const onPage = testsIn();
const CASES = new Map(fullCases('bundle').map((item) => [item.name, item]));
const PLAIN = CASES.get('plain');
const FALSE = CASES.get('a row of the roster changed');
const LOG = folderOfLog(PLAIN.log);
const STRANGER = 'http://stranger.example/';

async function onSite(act, change = () => {}) {
  const files = siteOf({ ...PLAIN, asOf: '' });
  change(files);
  const site = await serve(files);
  try {
    await act(site);
  } finally {
    await site.close();
  }
}

/** Both verdicts on one page: a true draw, and one of which a row was changed. */
async function tellsTrueFromFalse(page, address, log = LOG) {
  assert.equal(await verify(page, PLAIN, { address, log }), 'holds');
  await page.check('#alone');
  assert.equal(await chooseFile(page, bytesOf(FALSE), 'false.json'), 'fails');
}

onPage('opened from a disk', async (page, { requests }) => {
  await tellsTrueFromFalse(page, VERIFIER);
  assert.ok(
    requests.every((address) => /^(?:file|blob|data):/.test(address)),
    requests.join(),
  );
});

onPage('served by this machine, a secure context', async (page) => {
  await onSite(async (site) => {
    await tellsTrueFromFalse(page, `${site.base}verify.html`);
    assert.equal(await page.evaluate(() => isSecureContext), true);
  });
});

onPage('served by an intranet without https, where a browser has no WebCrypto', async (page) => {
  await onSite(async (site) => {
    const address = `${site.intranet.replace(/\/\/[^:]+/, `//${INTRANET}`)}verify.html`;
    await tellsTrueFromFalse(page, address);
    assert.deepEqual(await page.evaluate(() => [isSecureContext, typeof crypto.subtle]), [false, 'undefined']);
    assert.match(await shown(page, '.verdict .facts'), new RegExp(INTRANET));
  });
});

onPage('a site lends the log that lies beside the page', async (page) => {
  await onSite(async (site) => {
    assert.equal(await verify(page, PLAIN, { address: `${site.base}verify.html` }), 'holds');
    assert.ok(site.asked.some((path) => path.startsWith('tile/entries/')));
  });
});

onPage('without a network, once it is loaded', async (page, { requests }) => {
  await onSite(async (site) => {
    await open(page, `${site.base}verify.html`);
    await page.context().setOffline(true);
    const before = requests.length;
    await page.setInputFiles('#choose-trust', {
      name: 'trust',
      mimeType: 'text/plain',
      buffer: Buffer.from(PLAIN.trust),
    });
    await page.evaluate(() => (document.querySelector('.options').open = true));
    await page.setInputFiles('#choose-log', LOG);
    await page.check('#alone');
    assert.notEqual(await chooseFile(page, bytesOf(PLAIN)), 'fails');
    assert.ok(
      requests.slice(before).every((address) => address.startsWith('blob:')),
      'a folder that was chosen needs no server',
    );
  });
});

onPage('no file that was chosen, and no digit of it, goes to the server', async (page) => {
  await onSite(async (site) => {
    await verify(page, PLAIN, { address: `${site.base}verify.html#${PLAIN.file.draw}` });
    const asked = site.asked.join('\n');
    for (const secret of [PLAIN.file.draw, PLAIN.file.announcement, 'x.fairdraw.json']) {
      assert.ok(!asked.includes(secret), `${secret} in ${asked}`);
    }
    const known =
      /^(?:verify\.html|trust|checkpoint|frozen|cosigned\/[0-9a-z]+|tile\/entries\/[0-9x/p.]+|artifact\/[0-9a-f]{64})$/;
    assert.deepEqual(
      site.asked.filter((path) => !known.test(path)),
      [],
    );
  });
});

onPage(
  'the content policy lets in no other script, style, frame, host or form',
  async (page, { requests, violations }) => {
    await onSite(async (site) => {
      await open(page, `${site.base}verify.html`);
      await page.evaluate(async (stranger) => {
        const add = (tag, properties) => document.body.append(Object.assign(document.createElement(tag), properties));
        const tries = [
          () => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.__pwned=1">'),
          () => (document.body.innerHTML += '<script>window.__pwned=2</scr' + 'ipt>'),
          // What a debugger evaluates may use eval; what a timer calls is the page's own.
          () => setTimeout(() => new Function('window.__pwned=3')()),
          () => setTimeout('window.__pwned=5'),
          () => add('script', { textContent: 'window.__pwned=4' }),
          () => add('script', { src: `${stranger}x.js` }),
          () => new Worker(`${stranger}x.js`),
          () => add('iframe', { src: stranger }),
          () => add('img', { src: `${stranger}x.png` }),
          () => add('style', { textContent: '.verdict { display: none }' }),
          () => add('link', { rel: 'stylesheet', href: `${stranger}x.css` }),
          () => add('base', { href: stranger }),
          () => add('object', { data: stranger }),
          () => navigator.sendBeacon(`${stranger}x`, 'a name'),
          () => fetch(`${stranger}x`, { mode: 'no-cors' }).catch(() => {}),
          () => new WebSocket(stranger.replace('http', 'ws')),
          () => new EventSource(`${stranger}x`),
        ];
        for (const attempt of tries) {
          try {
            await attempt();
          } catch {
            // refused on the spot: as good as refused later
          }
        }
      }, STRANGER);
      await page.waitForTimeout(300);
      const refused = new Set(violations.map((told) => told.split(' ')[0]));
      const tried = ['base-uri', 'connect-src', 'frame-src', 'img-src', 'style-src-elem', 'require-trusted-types-for'];
      assert.deepEqual(
        tried.filter((directive) => !refused.has(directive)),
        [],
      );
      assert.deepEqual(
        requests.filter((address) => address.startsWith(STRANGER)),
        [],
      );
    });
  },
  { allow: /./ },
);

onPage('the content policy names the one script and the one style by their hash', async (page) => {
  await open(page);
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  const directives = Object.fromEntries(policy.split(';').map((one) => one.trim().split(/ (.*)/, 2)));
  const hash = /^'sha256-[A-Za-z0-9+/]{43}='$/;
  assert.match(directives['script-src'], hash);
  assert.match(directives['style-src'], hash);
  for (const name of ['default-src', 'base-uri', 'form-action']) assert.equal(directives[name], "'none'", name);
  assert.equal(directives['connect-src'], "'self'");
  assert.equal(
    directives['require-trusted-types-for'],
    "'script'",
    'where hash and browser fail, text still is no script',
  );
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
});

onPage(
  'a page whose script was changed by one byte does nothing, and says what to do',
  async (page) => {
    const changed = Buffer.from(built('verify.html').toString().replace('fairdrawCore(){', 'fairdrawCore(){ '));
    await onSite(
      async (site) => {
        await page.goto(`${site.base}verify.html`);
        await page.waitForTimeout(300);
        assert.equal(await page.locator('#choose-file').count(), 0);
        assert.match(await shown(page, '#inputs'), /Chromium 109/);
        assert.equal(await page.locator('[data-state="holds"]').count(), 0);
      },
      (files) => files.set('verify.html', changed),
    );
  },
  { allow: /Content Security Policy|script-src/ },
);

onPage(
  'a page that may not use scripts says so in both languages',
  async (page) => {
    await page.goto(VERIFIER);
    const text = await shown(page, '#inputs');
    assert.match(text, /fairdraw verify/);
    for (const lang of ['zh', 'en']) assert.ok(await page.locator(`#inputs [lang="${lang}"]:visible`).count(), lang);
  },
  { javaScriptEnabled: false },
);
