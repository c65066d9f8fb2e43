/** A supervisor's phone, 360 pixels wide, against the program's own desk: from the invitation to the sign-off. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { after, before } from 'node:test';

import { findsNothing } from './axe.mjs';
import { INTRANET, current, oldest, testsIn } from './browser.mjs';
import { CLOCK, Office, PYTHON } from './desk.mjs';

const PAGE = new URL('../../cli/fairdraw_cli/static/supervise.html', import.meta.url);
const PHONE = { width: 360, height: 740 };
const SHOTS = process.env.SHOTS; // a folder for pictures, for whoever wants to look at them
const NAME = 'lixin.example.cn/rehearsal';

const onPhones = testsIn(current);
const onOldPhones = testsIn(oldest);
const onPhone = (name, act, options = {}) => onPhones(name, act, { ...PHONE, ...options });

let office;
let desk;
before(async () => {
  if (current.missing) return;
  office = new Office();
  office.announceAndDraw();
  desk = await office.serve();
});
after(() => office?.close());

// --- what a person does --------------------------------------------------------------------------------------------

async function shot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
}

async function openPhone(page, address = `${desk}/`, at = CLOCK) {
  await page.clock.setFixedTime(new Date(at));
  await page.goto(address);
  await page.waitForSelector('html[data-ready="true"]');
}

async function makeKeys(page, name = NAME, role = 'discipline') {
  await page.fill('#name', name);
  await page.selectOption('#role', role);
  await page.click('#make-keys');
  await page.waitForSelector('#who dl.facts');
}

const invite = (url = desk) => JSON.parse(office.fairdraw(null, 'supervisor', 'invite', '--url', url, '--json'));

async function takeInvitation(page, link) {
  if (await page.locator('#invitation-card details.again').count()) await unfold(page, '#invitation-card details.again');
  await page.fill('#invitation', link);
  await page.click('#take-invitation');
  await page.click('#invitation-same');
}

/** In one go: between finding and unfolding it, a card may be drawn anew. */
const unfold = (page, selector) =>
  page.waitForFunction((where) => {
    const found = document.querySelector(where);
    if (found?.checkVisibility()) found.open = true;
    return found?.open;
  }, selector);

const digitsIn = async (page, card) => (await page.locator(`${card} .digits .big`).first().innerText()).replaceAll(/\s+/g, ' ').trim();

async function enrol(page) {
  await page.click('#hand-enrolment');
  await page.waitForSelector('#enrolment-card .good');
  const heard = await digitsIn(page, '#enrolment-card');
  const told = office.fairdraw(null, 'supervisor', 'enrol', '--heard', heard, '--witness');
  assert.match(told, /added supervisor/);
}

/** A phone that is enrolled: keys, invitation, digits read aloud, and the invitation once more for the trust file. */
async function enrolled(page, name, { url = desk, address = `${url}/` } = {}) {
  await openPhone(page, address);
  await makeKeys(page, name);
  await takeInvitation(page, invite(url).link);
  await page.waitForSelector('#enrolment-card .digits');
  await enrol(page);
  await takeInvitation(page, invite(url).link);
  await page.waitForFunction(() => /已登记/.test(document.querySelector('#enrolment-card h2')?.textContent));
}

const named = (name) => `${name}.example.cn/rehearsal`;

/** A button's answer: the card's last word, once it is there. */
async function press(page, selector, card, expected) {
  await page.click(selector);
  await page.locator(`${card} > .told`).filter({ hasText: expected }).waitFor();
}

/** An address in front of desks: where it leads may change, and what passes may be kept back. */
async function front(target) {
  const state = { target, down: false, posts: [] };
  const server = createServer((incoming, outgoing) => {
    if (state.down) return outgoing.destroy();
    const parts = [];
    incoming.on('data', (part) => parts.push(part));
    incoming.on('end', () => {
      const body = Buffer.concat(parts);
      if (incoming.method === 'POST') state.posts.push({ path: incoming.url, body });
      const to = request(`${state.target}${incoming.url}`, { method: incoming.method }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      });
      to.on('error', () => outgoing.destroy());
      to.end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.close = () => (server.closeAllConnections(), server.close());
  return state;
}

const logged = (index) => office.fairdraw(null, 'log', 'entry', String(index));
const sizeOf = () => JSON.parse(office.fairdraw(null, 'log', 'checkpoint', '--json')).size;
const cosigners = () => JSON.parse(office.fairdraw(null, 'log', 'checkpoint', '--json')).missing;

// --- the main road -------------------------------------------------------------------------------------------------

onPhone('from the invitation to the sign-off, with nothing but a phone', async (page) => {
  const { link, digits } = invite();
  await openPhone(page, link);
  await shot(page, '1-keys');
  assert.match(await page.innerText('#notice'), /邀请码已读到/);
  assert.match(await page.innerText('#who'), /交不出来的密钥/);
  await findsNothing(page, 'before there are keys');
  await makeKeys(page);

  // The invitation that the camera opened the page with waits, and nothing of it stays in the address.
  await page.waitForSelector('#invitation-same');
  assert.equal(await digitsIn(page, '#invitation-card'), digits);
  assert.ok(!page.url().includes('#i='));
  assert.ok(await page.locator('#enrolment-card').isHidden(), 'nothing is taken before the digits were compared');
  await page.click('#invitation-same');
  await page.waitForSelector('#enrolment-card .qr');
  await shot(page, '2-enrolment');
  await findsNothing(page, 'an enrolment');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);

  await page.click('#hand-enrolment');
  await page.waitForSelector('#enrolment-card .good');
  const heard = await digitsIn(page, '#enrolment-card');
  assert.match(office.fairdraw(null, 'supervisor', 'enrol'), new RegExp(`${NAME}[^]*${heard}`));
  assert.match(office.fairdraw(null, 'supervisor', 'enrol', '--heard', '1234 5678 9012 3456 7890'), /nothing was added/);
  assert.match(office.fairdraw(null, 'supervisor', 'enrol', '--heard', heard), /added supervisor/);

  // The trust file has changed: it is compared, or the invitation is read once more.
  await page.click('#check-enrolment');
  await page.waitForSelector('#trust-same');
  await shot(page, '3-trust-changed');
  await takeInvitation(page, invite().link);
  await page.waitForSelector('#trust-same', { state: 'detached' });
  assert.match(await page.innerText('#enrolment-card'), /已登记/);

  // Witness.
  assert.ok(cosigners().includes(NAME));
  await page.click('#cosign');
  await page.waitForSelector('#log-card .good');
  assert.match(await page.innerText('#log-card'), /服务台已收下/);
  assert.ok(!cosigners().includes(NAME));
  await shot(page, '4-cosigned');

  // Look, verify, compare, sign.
  const draw = page.locator('.matter[data-type="draw"]');
  assert.equal(await draw.getAttribute('open'), '');
  await shot(page, '5-draw');
  const index = await draw.getAttribute('data-index');
  await page.click(`#sign-${index}`);
  assert.match(await draw.innerText(), /请先核对指纹/);
  await page.check(`#compared-${index}`);
  await page.click(`#sign-${index}`);
  assert.match(await draw.innerText(), /请先核验这次抽取/);
  await page.click(`#verify-${index}`);
  await draw.locator('.verdict[data-state]:not([data-state="working"])').waitFor();
  await shot(page, '6-verified');
  assert.equal(await draw.locator('.verdict').getAttribute('data-state'), 'holds');
  await page.check(`#compared-${index}`);
  await page.click(`#sign-${index}`);
  await page.waitForSelector('#said-card .said[data-logged="true"]');
  await shot(page, '7-signed');
  await findsNothing(page, 'after the sign-off');

  const at = sizeOf() - 1;
  assert.match(logged(at), /"role":"discipline"[^]*"type":"sign-off"/);
  assert.match(logged(at), new RegExp(`"by":"${NAME}"`));
  assert.match(logged(at), new RegExp(`"index":${index}`));
  const hash = await draw.locator('.digits .whole').innerText();
  assert.match(logged(at), new RegExp(hash));

  // English says the same.
  await page.click('[data-choose="en"]');
  assert.match(await page.innerText('h1'), /A supervisor's phone/);
  await shot(page, '8-english');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
});

// --- hosts that lie ------------------------------------------------------------------------------------------------

onPhone('a log that went back, and one that was rewritten, are not cosigned, and the evidence convicts', async (page) => {
  const old = new Office();
  let server;
  try {
    // An old copy of the bureau's folder: with its log's key it can go back, or write another history.
    cpSync(office.path('office'), old.path('office'), { recursive: true, force: true });
    const door = await front(desk);
    try {
      await enrolled(page, named('wang'), { url: door.url });
      await press(page, '#cosign', '#log-card', /服务台已收下/);
      office.fairdraw(CLOCK, 'freeze', 'staff', 'staff.csv');
      await press(page, '#cosign', '#log-card', /服务台已收下/);
      const before = await page.locator('#log-card dd').first().innerText();

      door.target = server = await old.serve();
      await press(page, '#cosign', '#log-card', /日志变小了/);
      await shot(page, 'a-went-back');
      old.fairdraw(CLOCK, 'freeze', 'institutions', 'institutions.csv');
      old.fairdraw(CLOCK, 'freeze', 'staff', 'staff.csv');
      old.fairdraw(CLOCK, 'freeze', 'institutions', 'institutions.csv');
      await press(page, '#cosign', '#log-card', /日志被改写了/);
      await findsNothing(page, 'an alarm');
      await shot(page, 'b-forked');
      await press(page, '#refresh', '#matters-card', /日志被改写了/);

      // Of such a log nothing is signed any more, not even what it had before.
      door.target = desk;
      await press(page, '#cosign', '#log-card', /不再为它签任何东西/);

      // Nothing was signed, and both stay here, also for somebody who opens the page tomorrow.
      await page.reload();
      await page.waitForSelector('#evidence');
      assert.equal(await page.locator('#log-card dd').first().innerText(), before);
      assert.ok(door.posts.filter(({ path }) => path === '/cosigned').length === 2);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#alarms #evidence > div').filter({ hasText: '分叉' }).locator('button').click(),
      ]);
      const file = readFileSync(await download.path(), 'utf8');
      assert.match(file, /^fork\/v1\n/);
      assert.match(convicted(file), /^convicted/);
      assert.doesNotMatch(convicted(file.replace('root ', 'root A')), /^convicted/);
    } finally {
      door.close();
    }
  } finally {
    await old.close();
  }
  assert.ok(server);
});

/** What the program's own reader of such files says. */
function convicted(file) {
  const script = `
import sys
from pathlib import Path
from fairdraw_cli.workspace import Workspace
from transparency_log.evidence import Fork
key = Workspace.open(Path("office")).key("log").verifier
Fork.parse(sys.stdin.buffer.read()).convict(key)
print("convicted")
`;
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', script], { cwd: office.folder, input: file, encoding: 'utf8' });
  return stdout || stderr;
}

onPhone('an invitation that gives the log another key is refused', async (page) => {
  await enrolled(page, named('zhao'));
  const other = new Office();
  try {
    const { link } = JSON.parse(other.fairdraw(null, 'supervisor', 'invite', '--url', desk, '--json'));
    await unfold(page, '#invitation-card details.again');
    await page.fill('#invitation', link);
    await page.click('#take-invitation');
    await press(page, '#invitation-same', '#invitation-card', /换了另一把公钥/);
    await page.click('#invitation-drop');
    await unfold(page, '#invitation-card details.again');
    await page.fill('#invitation', link.slice(0, -9));
    await press(page, '#take-invitation', '#invitation-card', /不是有效的邀请码|没有读全/);
  } finally {
    await other.close();
  }
});

onPhone('a link with the log\'s own keys and a stranger\'s desk changes nothing by being opened', async (page) => {
  await enrolled(page, named('jiang'));
  const asked = [];
  await page.route('http://127.0.0.1:9/**', (route) => (asked.push(route.request().url()), route.abort()));
  const kept = () => page.evaluate(() => new Promise((resolve) => {
    indexedDB.open('fairdraw-supervise').onsuccess = ({ target }) => {
      const all = target.result.transaction('kept').objectStore('kept').getAll(IDBKeyRange.bound('log/', 'log/\uffff'));
      all.onsuccess = () => resolve(all.result.map(({ text }) => text));
    };
  }));
  const before = await kept();
  const { text } = invite();
  const forged = text.replace(/^trust .*$/m, `trust ${'0'.repeat(64)}`).replace(/^url .*$/m, 'url http://127.0.0.1:9');
  const code = Buffer.from(forged).toString('base64url');
  await page.evaluate((fragment) => (location.hash = fragment), `i=${code}`);
  await page.waitForSelector('#invitation-same');
  assert.deepEqual(await kept(), before);
  assert.deepEqual(asked, []);
  await page.click('#invitation-drop');
  await page.locator('#invitation-card details.again').waitFor();
  assert.deepEqual(await kept(), before);
  assert.match(await page.innerText('#enrolment-card h2'), /已登记/);
});

onPhone('while one invitation waits, a window that opened this one cannot put another in its place', async (page) => {
  const { link, digits, text } = invite();
  await openPhone(page, link);
  await makeKeys(page, named('shen'));
  const forged = Buffer.from(text.replace(/^url .*$/m, 'url http://127.0.0.1:9')).toString('base64url');
  await page.evaluate((fragment) => (location.hash = fragment), `i=${forged}`);
  await page.locator('#notice').filter({ hasText: '又来了一份邀请' }).waitFor();
  assert.equal(await digitsIn(page, '#invitation-card'), digits);
  await page.click('#invitation-same');
  await page.waitForSelector('#enrolment-card .digits');
  assert.match(await page.innerText('#invitation-card'), new RegExp(desk));
});

onPhone('a trust file that has somebody in another role than was enrolled gets no signature', async (page) => {
  await enrolled(page, named('han2'));
  await page.click('#refresh');
  await page.waitForSelector('.matter');
  const [path, before] = [office.path('office', 'trust'), readFileSync(office.path('office', 'trust'), 'utf8')];
  try {
    writeFileSync(path, before.replace(`supervisor ${named('han2')} discipline`, `supervisor ${named('han2')} approver`));
    const plan = page.locator('.matter[data-type="plan"]');
    await unfold(page, '.matter[data-type="plan"]');
    const index = await plan.getAttribute('data-index');
    await page.check(`#compared-${index}`);
    // A file that nobody has compared is none; and one that was, by a code that was read aloud, is not enough.
    await page.click(`#sign-${index}`);
    await plan.locator('.told').filter({ hasText: '信任文件' }).waitFor();
    await takeInvitation(page, invite().link);
    await page.locator('#enrolment-card .alarm').filter({ hasText: '这部手机不签' }).waitFor();
    await shot(page, 'h-role');
    await unfold(page, '.matter[data-type="plan"]');
    await page.check(`#compared-${index}`);
    await page.click(`#sign-${index}`);
    await plan.locator('.told').filter({ hasText: '这部手机不签' }).waitFor();
    assert.equal(await page.locator('#said-card .said').count(), 0);
  } finally {
    writeFileSync(path, before);
  }
});

onPhone('in a frame of somebody else\'s page there is nothing to press', async (page) => {
  // A web server of files knows no header that forbids it, and a file has none: the page itself has to.
  const around = createServer((asked, answer) => {
    const inner = asked.url === '/supervise.html';
    answer.writeHead(200, { 'content-type': 'text/html' });
    answer.end(inner ? readFileSync(PAGE) : '<iframe src="supervise.html" width="360" height="700"></iframe>');
  });
  await new Promise((resolve) => around.listen(0, '127.0.0.1', resolve));
  try {
    await page.goto(`http://127.0.0.1:${around.address().port}/`);
    const framed = page.frameLocator('iframe');
    await framed.locator('.warning').filter({ hasText: '单独打开' }).waitFor();
    assert.equal(await framed.locator('#fairdraw button, #fairdraw input').count(), 0);
    await shot(page, 'i-framed');
  } finally {
    around.close();
  }
});

// --- without a network ---------------------------------------------------------------------------------------------

onPhone('a file on the phone, a photograph of the code, and no network at all', async (page) => {
  office.fairdraw(null, 'supervisor', 'invite', '--out', 'invitation.svg');
  const photo = await photograph(page, readFileSync(office.path('invitation.svg'), 'utf8'));
  await page.context().setOffline(true);
  await openPhone(page, PAGE.href);
  await makeKeys(page, named('qian'));
  await page.setInputFiles('#photo', { name: 'photo.png', mimeType: 'image/png', buffer: photo });
  await page.click('#invitation-same');
  await page.waitForSelector('#enrolment-card .qr');
  assert.match(await page.innerText('#invitation-card'), /没有，用二维码或文件交接/);

  // The desk's scanner reads the code on the phone, which is what the text beside it says.
  const code = await scanned(page, '#enrolment-card .qr');
  assert.equal(code, await page.locator('#enrolment-card .codetext').textContent());
  const heard = await digitsIn(page, '#enrolment-card');
  assert.match(office.fairdraw(null, 'supervisor', 'enrol', code), new RegExp(heard));
  assert.match(office.fairdraw(null, 'supervisor', 'enrol', code, '--heard', heard, '--witness'), /added supervisor/);

  office.fairdraw(null, 'log', 'cosign', 'export', 'request', '--witness', named('qian'));
  const asked = readFileSync(office.path('request'));
  const bring = async (bytes, expected) => {
    await page.setInputFiles('#request', { name: 'request', mimeType: 'text/plain', buffer: Buffer.from(bytes) });
    await page.locator('#log-card > .told').filter({ hasText: expected }).waitFor();
  };
  await bring('nothing of the kind', /不是见证请求文件/);
  await bring(asked.toString().replace(/^old 0/, 'old 1'), /请求是从 1 条算起/);
  await bring(asked, /已见证/);
  await unfold(page, '#last-cosigned');
  const cosigned = await scanned(page, '#last-cosigned .qr');
  assert.match(office.fairdraw(CLOCK, 'supervisor', 'take', cosigned), /lixin|qian/);
  assert.ok(!cosigners().includes(named('qian')));

  // Other files of the same size are a fork, told from the signature alone.
  await press(page, '#refresh', '#matters-card', /邀请码里没有服务台网址/);
  await shot(page, 'c-offline');
});

/** A picture of a drawing, as a camera gives one: larger, turned a little, with something around it. */
async function photograph(page, svg) {
  await page.setContent('<style>body { margin: 90px; background: #889; } img { transform: rotate(4deg); }</style>');
  await page.evaluate((source) => {
    const image = document.createElement('img');
    image.src = `data:image/svg+xml,${encodeURIComponent(source)}`;
    document.body.append(image);
    return image.decode();
  }, svg);
  return page.locator('img').screenshot();
}

/** What a scanner reads from the phone's screen. */
async function scanned(page, selector) {
  const picture = await page.locator(selector).screenshot({ scale: 'device' });
  const script = 'import io,sys,zxingcpp;from PIL import Image\nprint(zxingcpp.read_barcodes(Image.open(io.BytesIO(sys.stdin.buffer.read())).resize((1400,1400)))[0].text)';
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', script], { input: picture });
  assert.equal(String(stderr), '');
  return String(stdout).trim();
}

onPhone('what the desk did not get stays here, and is handed in again byte by byte', async (page) => {
  const door = await front(desk);
  try {
    await enrolled(page, named('sun'), { url: door.url });
    await page.click('#refresh');
    const plan = page.locator('.matter[data-type="plan"]');
    await unfold(page, '.matter[data-type="plan"]');
    const index = await plan.getAttribute('data-index');
    await page.check(`#compared-${index}`);
    await page.route('**/statement', (route) => route.abort());
    await page.click(`#sign-${index}`);
    await page.locator('#said-card').filter({ hasText: /已签好，存在手机里/ }).waitFor();
    const [hash] = await page.locator('#said-card .said .hash').allInnerTexts();
    await page.unroute('**/statement');
    await page.reload();
    await page.waitForSelector('#hand-again');
    await page.click('#refresh');
    await page.waitForSelector('.matter');
    await press(page, '#hand-again', '#said-card', /服务台已收下/);
    assert.deepEqual(await page.locator('#said-card .said .hash').allInnerTexts(), [hash]);
    const entry = logged(sizeOf() - 1);
    const { body } = door.posts.at(-1);
    assert.equal(entry.trim(), body.toString().trim());
    // The desk takes it twice and logs it once.
    const size = sizeOf();
    const again = await fetch(`${desk}/statement`, { method: 'POST', body });
    assert.equal(again.status, 200);
    assert.equal(sizeOf(), size);
  } finally {
    door.close();
  }
}, { allow: /ERR_FAILED/ });

// --- phones that hold keys badly, and clocks -----------------------------------------------------------------------

onPhone('in an intranet without https the keys can be copied: the page says so, and a passphrase locks them', async (page) => {
  const url = desk.replace('127.0.0.1', INTRANET);
  await openPhone(page, `${url}/`);
  assert.match(await page.innerText('#who .warning'), /可以?复制|就能复制/);
  await page.fill('#passphrase', '短');
  await page.fill('#name', named('li'));
  await press(page, '#make-keys', '#who', /口令至少要 8 个字符/);
  await page.fill('#passphrase', '清晨的口令二零二六');
  await page.click('#make-keys');
  await page.waitForSelector('#who dl.facts');
  await shot(page, 'd-intranet');
  assert.match(await page.innerText('#who'), /用口令加密/);
  const kept = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open('fairdraw-supervise');
        opening.onsuccess = () => {
          const asked = opening.result.transaction('kept').objectStore('kept').get('person');
          asked.onsuccess = () => resolve(Object.keys(asked.result.supervisor).sort());
        };
      }),
  );
  assert.deepEqual(kept, ['kind', 'salt', 'sealed', 'vkey']);
  await takeInvitation(page, invite(url).link);
  await page.waitForSelector('#enrolment-card .digits');
  await page.reload();
  await page.waitForSelector('#unlock');
  assert.ok(await page.locator('#log-card').isHidden());
  await page.fill('#unlock', '另一个口令');
  await press(page, '#unlock-do', '#who', /口令不对/);
  await page.fill('#unlock', '清晨的口令二零二六');
  await page.click('#unlock-do');
  await page.waitForSelector('#enrolment-card .qr');
  await enrol(page);
  await press(page, '#cosign', '#log-card', /服务台已收下/);
});

onPhone('a clock that cannot be right signs nothing, and one that differs asks its owner', async (page) => {
  await enrolled(page, named('zhou'));
  await page.clock.setFixedTime(new Date('2026-09-07T18:30:00Z'));
  await page.check('#sure');
  await press(page, '#cosign', '#log-card', /公共随机数已经公布/);
  await page.clock.setFixedTime(new Date('2026-09-07T18:42:00Z'));
  await page.uncheck('#sure');
  await press(page, '#cosign', '#log-card', /不一致/);
  assert.match(await page.innerText('#log-card'), /还没有见证过/);
  await page.check('#sure');
  await press(page, '#cosign', '#log-card', /服务台已收下/);
  await page.clock.setFixedTime(new Date('2026-09-07T18:41:59Z'));
  await page.check('#sure');
  await press(page, '#cosign', '#log-card', /时钟往回走了/);
  // Ahead of the desk by an hour: its owner insists, and the desk does not take it.
  await page.clock.setFixedTime(new Date('2026-09-07T19:45:00Z'));
  await page.check('#sure');
  await press(page, '#cosign', '#log-card', /超前太多/);
}, { allow: /409/ });

onPhone('two windows at one moment sign one history and one statement a number', async (page) => {
  await enrolled(page, named('wu'));
  const other = await page.context().newPage();
  await openPhone(other);
  await other.waitForSelector('#cosign');
  await Promise.all([press(page, '#cosign', '#log-card', /服务台已收下/), press(other, '#cosign', '#log-card', /服务台已收下/)]);
  const plan = page.locator('.matter[data-type="plan"]');
  await unfold(page, '.matter[data-type="plan"]');
  const index = await plan.getAttribute('data-index');
  await page.check(`#compared-${index}`);
  await unfold(other, '#trouble-card details:last-of-type');
  await other.fill('#loss-key', await other.locator('#who .hash').first().textContent());
  await Promise.all([page.click(`#sign-${index}`), other.click('#report-loss')]);
  await Promise.race([page, other].map((one) => one.locator('#said-card > .told').filter({ hasText: /服务台已收下/ }).waitFor()));
  const said = [];
  for (let index = 0; index < sizeOf(); index++) {
    const [line] = logged(index).split('\n');
    if (line.includes(`"by":"${named('wu')}"`)) said.push(JSON.parse(line).seq);
  }
  assert.deepEqual(said, [...said.keys()], 'numbers without a gap or a double');
  assert.ok(said.length >= 1);
  await other.close();
});

onPhone('a key is renewed by both keys, and a loss is reported with another supervisor\'s', async (page) => {
  await enrolled(page, named('zheng'));
  const keyOf = () => page.locator('#who .hash').first().textContent();
  const old = await keyOf();
  await unfold(page, '#trouble-card details');
  await page.click('#renew');
  await page.locator('#said-card > .told').filter({ hasText: /服务台已收下/ }).waitFor();
  assert.notEqual(await keyOf(), old);
  const entry = logged(sizeOf() - 1);
  assert.match(entry, /"type":"key"/);
  assert.equal(entry.match(/^— /gm).length, 2);
  await unfold(page, '#trouble-card details:last-of-type');
  await page.fill('#loss-key', old);
  await page.selectOption('#loss-reason', 'stolen');
  await page.click("#report-loss");
  await page.locator('#said-card .said').nth(1).waitFor();
  assert.match(logged(sizeOf() - 1), /"reason":"stolen"[^]*"type":"loss"/);
  await shot(page, 'e-renewed');
});

onPhone('a seed is committed to, waited for by an announcement, and revealed', async (page) => {
  await enrolled(page, named('chen'));
  await page.click('#refresh');
  await unfold(page, '#seeds-card details');
  await page.selectOption('#seed-slot', '2026/fund-use/2');
  await page.fill('#seed-digits', '6 2 5 3');
  await page.click('#commit');
  await page.locator('#seeds-card .said').filter({ hasText: '等待公告' }).waitFor();
  writeFileSync(
    office.path('draw-2.toml'),
    `id = "fund-2"
slots = ["2026/fund-use/2"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-08T18:36:36Z
[seed]
kind = "committed"
minimum = 1
contributors = [{ name = "${named('chen')}", required = true }]
`,
  );
  office.fairdraw(CLOCK, 'announce', 'draw-2.toml');
  await page.click('#refresh');
  await page.locator('#seeds-card .warning').waitFor();
  await shot(page, 'g-seed');
  await page.locator('#seeds-card .said .main').click();
  await page.locator('#seeds-card .said').filter({ hasText: '已揭示' }).waitFor();
  assert.match(office.fairdraw(CLOCK, 'seeds', 'close', 'fund-2'), /clos|logged|seed/i);
  assert.match(logged(sizeOf() - 1), /"type":"reveals-closed"/);
  assert.doesNotMatch(logged(sizeOf() - 1), /"reveals":\[null\]/);
});

onPhone('who cleared the browser is told that the keys are gone, and what to do', async (page) => {
  await openPhone(page);
  await makeKeys(page, named('feng'));
  await page.evaluate(() => new Promise((resolve) => (indexedDB.deleteDatabase('fairdraw-supervise').onsuccess = resolve)));
  await page.reload();
  await page.waitForSelector('#who .alarm');
  assert.match(await page.innerText('#who .alarm'), new RegExp(named('feng')));
  await shot(page, 'f-lost');
});

onOldPhones('the oldest browser holds no keys, says so, and witnesses all the same', async (page) => {
  // Its clock cannot be set by the test: the desk's stands still, so the owner's word is asked for.
  await page.addInitScript((at) => {
    Date.now = () => at;
  }, Date.parse(CLOCK));
  await page.goto(`${desk}/`);
  await page.waitForSelector('html[data-ready="true"]');
  assert.match(await page.innerText('#who .warning'), /不能保管交不出来的密钥/);
  await makeKeys(page, named('han'));
  assert.match(await page.innerText('#who'), /未加密/);
  await takeInvitation(page, invite().link);
  await page.waitForSelector('#enrolment-card .digits');
  await enrol(page);
  await press(page, '#cosign', '#log-card', /服务台已收下/);
}, PHONE);

onPhone('a web server of files is enough to look and to cosign; what is signed is carried', async (page) => {
  const files = createServer((asked, answer) => {
    try {
      const path = asked.url === '/trust' ? office.path('office', 'trust') : office.path('office', 'log', ...asked.url.split('/'));
      const bytes = readFileSync(path);
      answer.writeHead(200, { 'access-control-allow-origin': '*' }).end(bytes);
    } catch {
      answer.writeHead(404, { 'access-control-allow-origin': '*' }).end();
    }
  });
  await new Promise((resolve) => files.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${files.address().port}`;
  try {
    // The page itself is a file on the phone: who serves the log serves no page.
    await openPhone(page, PAGE.href);
    await makeKeys(page, named('yang'));
    await takeInvitation(page, invite(url).link);
    await page.waitForSelector('#enrolment-card .qr');
    const code = await page.locator('#enrolment-card .codetext').textContent();
    const heard = await digitsIn(page, '#enrolment-card');
    office.fairdraw(null, 'supervisor', 'enrol', code, '--heard', heard, '--witness');
    await takeInvitation(page, invite(url).link);
    await page.waitForFunction(() => /已登记/.test(document.querySelector('#enrolment-card h2')?.textContent));
    await press(page, '#cosign', '#log-card', /当面交去/);
    await unfold(page, '#last-cosigned');
    const cosigned = await page.locator('#last-cosigned .codetext').textContent();
    assert.match(office.fairdraw(CLOCK, 'supervisor', 'take', cosigned), /yang/);
    assert.ok(!cosigners().includes(named('yang')));
  } finally {
    files.close();
  }
}, { allow: /404|ERR_|CORS/ });
