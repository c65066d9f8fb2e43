/**
 * Firefox as Debian has it, driven over Marionette: its own protocol, JSON with its length before it over TCP. Of the
 * W3C's WebDriver commands only those that a test of these pages needs.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'; // the name that WebDriver gives an element in JSON
const STARTING = 60_000; // ms

/** Why there is no Firefox to test with, or false. */
export const noFirefox = existsSync(FIREFOX)
  ? false
  : `no browser at ${FIREFOX}: apt-get install firefox-esr, or set FIREFOX`;

const PREFERENCES = {
  'marionette.port': 0, // any free one; the profile then tells which
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'intl.accept_languages': 'zh-CN, zh',
  'ui.prefersReducedMotion': 1,
};

/** Start Firefox; `{send, close}`, of which `send(command, parameters)` is one WebDriver command. */
export async function startFirefox() {
  const profile = mkdtempSync(join(tmpdir(), 'fairdraw-firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const browser = spawn(FIREFOX, ['--headless', '--marionette', '--no-remote', '--profile', profile], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  const socket = connect({ host: '127.0.0.1', port: await portOf(profile) });
  const waiting = [];
  let arrived = Buffer.alloc(0);
  socket.on('data', (data) => {
    arrived = Buffer.concat([arrived, data]);
    for (let colon; (colon = arrived.indexOf(':')) > 0;) {
      const end = colon + 1 + Number(arrived.subarray(0, colon));
      if (arrived.length < end) return;
      const message = JSON.parse(arrived.subarray(colon + 1, end));
      arrived = arrived.subarray(end);
      if (Array.isArray(message)) waiting.shift()(message); // the first one is a greeting
    }
  });
  let count = 0;
  const send = async (command, parameters = {}) => {
    const text = Buffer.from(JSON.stringify([0, ++count, `WebDriver:${command}`, parameters]));
    socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]));
    const [, , error, result] = await new Promise((resolve) => waiting.push(resolve));
    if (error) throw new Error(`${command}: ${error.error}: ${error.message}`);
    return result;
  };
  await send('NewSession', { capabilities: { alwaysMatch: { strictFileInteractability: false } } });
  return {
    send,
    async close() {
      socket.destroy();
      browser.kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function portOf(profile) {
  const file = join(profile, 'MarionetteActivePort');
  for (const end = Date.now() + STARTING; Date.now() < end; await sleep(100)) {
    if (existsSync(file) && readFileSync(file, 'utf8')) return Number(readFileSync(file, 'utf8'));
  }
  throw new Error('Firefox does not start');
}

/** A page of it. */
export class FirefoxPage {
  constructor({ send }) {
    this.send = send;
  }

  goto = (url) => this.send('Navigate', { url });

  /** What a function of the page gives; it takes JSON. */
  async evaluate(act, ...args) {
    const { value } = await this.send('ExecuteScript', { script: `return (${act}).apply(null, arguments)`, args });
    return value;
  }

  /** Put a file from the disk into an input, as a reader who chose it. */
  async setFile(selector, path) {
    const { value } = await this.send('FindElement', { using: 'css selector', value: selector });
    await this.send('ElementSendKeys', { id: value[ELEMENT], text: path });
  }

  async waitFor(act, ...args) {
    for (const end = Date.now() + STARTING; Date.now() < end; await sleep(50)) {
      const value = await this.evaluate(act, ...args);
      if (value) return value;
    }
    throw new Error(`in vain: ${act}`);
  }

  async screenshot() {
    const { value } = await this.send('TakeScreenshot', { full: true });
    return Buffer.from(value, 'base64');
  }
}
