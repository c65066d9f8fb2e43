/** A hall: a rehearsal's office with frozen registries, and `fairdraw ceremony` running in it. */

import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND = process.env.FAIRDRAW ?? new URL('../../.venv/bin/fairdraw', import.meta.url).pathname;

/** Why there is no hall, or false. */
export const noHall = existsSync(COMMAND) ? false : `no command at ${COMMAND}: make .venv, or set FAIRDRAW`;

/** Private in the registry: it must appear on no page of the ceremony's. */
export const SECRET = '某某医院';

const OBJECTS = 96;
const STAFF = 12;
const two = (place) => String(place + 1).padStart(2, '0');
const table = (head, count, row) => [head, ...Array.from({ length: count }, (_, place) => row(place))].join('\n') + '\n';

const PLAN = `id = "2026"
slots = ["2026/fund-use/1", "2026/fund-use/2"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
voids = ["venue-lost"]
team = { size = 2, eligible = [{ rule = "true", inspector = "qualified" }] }
`;
const DRAW = `id = "hall-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
`;
/** The recorded round of the package: the only one that a machine without a network has. */
const ROUND = `beacon = [{ chain = "quicknet", at = 2026-09-07T18:36:36Z }]\n`;
/** A round that is recorded nowhere, so that it is late. */
const ANOTHER = `beacon = [{ chain = "quicknet", at = 2026-09-07T18:37:06Z }]\n`;

/**
 * Make an office and run a ceremony in it. `late` names a round that does not come, `sealed` seals the result, `phones`
 * opens the pages of the hall's network.
 * Returns `{hall, operator, again(), close()}`; `again` kills the program and starts it once more.
 */
export async function openHall({ late = false, sealed = false, phones = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'fairdraw-hall-'));
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const desk = join(folder, 'desk');
  const run = (...words) => execFileSync(COMMAND, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const at = (clock, ...words) => run('-C', desk, ...words, '--clock', clock);
  run('init', desk, '--bureau', 'ybj.example.cn', '--origin', 'log.example.cn/ybj', '--rehearsal');
  at('2026-09-07T16:00:00Z', 'plan', 'log', file('plan.toml', PLAN));
  const objects = table('no,private.name', OBJECTS, (place) => `H-00${two(place)},${SECRET}${place}`);
  const staff = table('no,attr.qualified:boolean,private.name', STAFF, (place) => `I-${two(place)},是,${SECRET}${place}`);
  at('2026-09-07T16:10:00Z', 'freeze', 'institutions', file('objects.csv', objects));
  at('2026-09-07T16:10:00Z', 'freeze', 'staff', file('staff.csv', staff));
  const holders = sealed ? ['people-congress', 'legal'] : [];
  for (const role of holders) {
    const made = execFileSync(
      COMMAND,
      ['supervisor', 'create', `${role}.example.cn`, '--rehearsal', '--role', role, '--out', `${role}.key`, '--json'],
      { cwd: folder },
    );
    run('-C', desk, 'supervisor', 'add', ...JSON.parse(made).line.split(' ').slice(1));
  }
  const disclosure = sealed ? 'disclosure = { until = 2026-11-30 }\n' : '';
  const draw = file('draw.toml', DRAW + disclosure + (late ? ANOTHER : ROUND));

  let program = null;
  async function start() {
    program = spawn(COMMAND, ['-C', desk, 'ceremony', draw, '--clock', '2026-09-07T18:00:00Z', '--listen', '127.0.0.1:0', ...(phones ? ['--hall', '127.0.0.1:0'] : []), '--json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise((resolve, reject) => {
      let told = '';
      program.stdout.on('data', (data) => {
        told += data;
        if (told.includes('\n')) resolve(told);
      });
      program.once('exit', (code) => reject(new Error(`the ceremony ended with ${code}`)));
    });
    const { operator, url, hall } = JSON.parse(line);
    return { operator, hall: hall ?? `${url}/` };
  }
  const ended = (signal) =>
    new Promise((resolve) => {
      program.removeAllListeners('exit');
      program.once('exit', resolve);
      program.kill(signal);
    });
  return {
    ...(await start()),
    run: at,
    /** The holders of a sealed draw's key say that they have it. */
    deposit(clock) {
      for (const role of holders) {
        const words = ['2026/fund-use/1', join(desk, 'secrets/hall-1.embargo'), '--key', `${role}.key`];
        const sources = ['--log', join(desk, 'log'), '--trust', join(desk, 'trust'), '--clock', clock];
        run('supervisor', 'deposit', ...words, ...sources);
        at(clock, 'log', 'add', `${role}.key.d/000000-deposit.entry`);
      }
    },
    async again() {
      await ended('SIGKILL');
      return start();
    },
    async close() {
      await ended('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
