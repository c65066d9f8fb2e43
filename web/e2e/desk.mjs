/** A bureau's rehearsal office with one draw, made by the program itself, and its supervisors' desk over HTTP. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VENV = join(ROOT, '.venv/bin/python');
export const PYTHON = process.env.PYTHON ?? (existsSync(VENV) ? VENV : 'python3');

/** The time of a rehearsal, after its draw: phones and desk have it, so that nothing depends on today. */
export const CLOCK = '2026-09-07T18:45:00Z';

const PLAN = `id = "2026"
slots = ["2026/fund-use/1", "2026/fund-use/2"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
voids = ["wrong-date", "wrong-place"]
`;
const DRAW = `id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
`;
const rows = (count, row) => Array.from({ length: count }, (_, i) => `${row(i + 1)}\n`).join('');

/** An office in a folder of its own; `fairdraw(...words)` runs a command there and gives its answer. */
export class Office {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'fairdraw-phone-'));
    const write = (name, text) => writeFileSync(join(this.folder, name), text);
    write('plan.toml', PLAN);
    write('draw.toml', DRAW);
    write('institutions.csv', `no,private.name\n${rows(20, (i) => `H-${String(i).padStart(2, '0')},Hospital ${i}`)}`);
    write('staff.csv', `no,private.name\n${rows(8, (i) => `I-${i},Inspector ${i}`)}`);
    this.run('init', 'office', '--rehearsal', '--bureau', 'ybj.example.cn', '--origin', 'log.example.cn/ybj');
    this.fairdraw('2026-09-07T10:00:00Z', 'plan', 'log', 'plan.toml');
    this.fairdraw('2026-09-07T10:01:00Z', 'freeze', 'institutions', 'institutions.csv');
    this.fairdraw('2026-09-07T10:01:00Z', 'freeze', 'staff', 'staff.csv');
  }

  announceAndDraw() {
    this.fairdraw('2026-09-07T10:02:00Z', 'announce', 'draw.toml');
    this.fairdraw('2026-09-07T18:36:40Z', 'draw', 'fund-1');
  }

  fairdraw = (clock, ...words) => this.run(...words, '-C', 'office', ...(clock ? ['--clock', clock] : []));

  /** Run a command that must succeed, or end with one of these codes. */
  run(...words) {
    const { status, stdout, stderr } = spawnSync(PYTHON, ['-m', 'fairdraw_cli.main', ...words], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'en_US.UTF-8' },
    });
    if (status !== 0 && !words.includes('enrol')) throw new Error(`fairdraw ${words.join(' ')}: ${stdout}${stderr}`);
    return stdout + stderr;
  }

  path = (...parts) => join(this.folder, ...parts);

  /** Serve the desk; the promise is its address. */
  async serve(clock = CLOCK) {
    const words = ['supervisor', 'desk', '-C', 'office', '--clock', clock, '--listen', '127.0.0.1:0', '--json'];
    this.server = spawn(PYTHON, ['-m', 'fairdraw_cli.main', ...words], { cwd: this.folder });
    const line = await new Promise((resolve, reject) => {
      let told = '';
      this.server.stdout.on('data', (data) => (told += data).includes('\n') && resolve(told));
      this.server.stderr.on('data', (data) => (this.complaints = (this.complaints ?? '') + data));
      this.server.on('exit', (code) => reject(new Error(`the desk ended with ${code}: ${this.complaints}`)));
    });
    const told = JSON.parse(line);
    if (!told.url) throw new Error(`the desk: ${line}`);
    return told.url.replace(/\/$/, '');
  }

  async close() {
    if (this.server) {
      this.server.removeAllListeners('exit');
      const over = new Promise((resolve) => this.server.on('exit', resolve));
      this.server.kill('SIGTERM');
      await over;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
