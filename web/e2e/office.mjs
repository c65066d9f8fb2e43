/**
 * A bureau with a true draw and a spiteful registry: every name and every stratum is an attempt to be more than text.
 * Made with the commands of README.md, and so is its public site (docs/site.md).
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const COMMAND = process.env.FAIRDRAW ?? new URL('../../.venv/bin/fairdraw', import.meta.url).pathname;

/** Why there is no office, or false. */
export const noOffice = existsSync(COMMAND) ? false : `no command at ${COMMAND}: make .venv, or set FAIRDRAW`;

/** Each would set `__pwned` if it were executed, or make a page say what it does not. */
export const SPITE = [
  '<img src=x onerror="window.__pwned=1">',
  '</td></table><script>window.__pwned=2</script>',
  '"><svg onload=window.__pwned=3>',
  'W'.repeat(5000),
  "' onmouseover='window.__pwned=4",
  '__proto__',
  'javascript:window.__pwned=5',
  '<h2>核验通过 VERIFIED</h2>',
];

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
const csv = (head, count, row) => [head, ...Array.from({ length: count }, (_, place) => row(place))].join('\n') + '\n';
const number = (prefix, place, width) => `${prefix}-${String(place + 1).padStart(width, '0')}`;

const PLAN = `id = "2026"
slots = ["2026/fund-use/1"]
objects = "objects"
inspectors = "staff"
strata = ["type"]
ratio = "20/100"
rounding = "ceil"
team = { size = 2, eligible = [{ rule = "true", inspector = "qualified" }] }
`;
const DRAW = `id = "first"
slots = ["2026/fund-use/1"]
window = 2026-10-31
beacon = [{ chain = "quicknet", at = 2026-09-07T18:36:36Z }]
`;

export const AS_OF = '2026-09-07T19:00:00Z';
const DRAWN_AT = '2026-09-07T18:40:00Z';

/** Make it; `{site, bundle, trust, slip(no)}`, of which `site` has a site's files by path. */
export function makeOffice() {
  const folder = mkdtempSync(join(tmpdir(), 'fairdraw-office-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const desk = join(folder, 'desk');
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const run = (...words) => execFileSync(COMMAND, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const at = (clock, ...words) => run('-C', desk, ...words, '--clock', clock);

  const strata = ['hospital', SPITE[0], SPITE[1], SPITE[7]];
  const objects = csv('no,attr.type,private.name', 60, (place) =>
    [
      number('H', place, 4),
      quoted(strata[Math.floor(place / 8) % strata.length]),
      quoted(SPITE[place % SPITE.length]),
    ].join(),
  );
  const staff = csv('no,attr.qualified:boolean,private.name', 9, (place) =>
    [number('I', place, 2), '是', quoted(SPITE[place % SPITE.length])].join(),
  );
  run('init', desk, '--bureau', 'ybj.example.cn', '--origin', 'log.example.cn', '--rehearsal');
  at('2026-09-07T16:00:00Z', 'plan', 'log', file('plan.toml', PLAN));
  at('2026-09-07T16:10:00Z', 'freeze', 'objects', file('objects.csv', objects));
  at('2026-09-07T16:10:00Z', 'freeze', 'staff', file('staff.csv', staff));
  at('2026-09-07T16:20:00Z', 'announce', file('draw.toml', DRAW));
  at(DRAWN_AT, 'draw', 'first');
  run('site', 'build', desk, '-o', join(folder, 'site'), '--as-of', AS_OF);

  const drawn = (name) => readFileSync(join(desk, 'draws/first', name));
  return {
    site: filesBelow(join(folder, 'site')),
    bundle: drawn('first.fairdraw.json'),
    trust: readFileSync(join(desk, 'trust'), 'utf8'),
    slip(no) {
      at(DRAWN_AT, 'slip', 'first', no, '--own');
      return drawn(`first.${no}.slip.own.fairdraw.json`);
    },
  };
}

function filesBelow(folder) {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return new Map(
    found.map((one) => {
      const path = join(one.parentPath ?? one.path, one.name);
      return [relative(folder, path), readFileSync(path)];
    }),
  );
}
