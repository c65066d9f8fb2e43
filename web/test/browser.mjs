/** A browser, and a web server with a public site made of the vectors: what the pages' tests share. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { chromium } from 'playwright-core';

import { fromBase64 } from '../src/core/encoding.mjs';
import { bundlePath } from '../src/core/tiles.mjs';
import { bytesOf } from './files.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const STATIC = new URL('../../cli/fairdraw_cli/static/', import.meta.url);

/** Why there is no browser to test with, or false. */
export const noBrowser = existsSync(CHROMIUM)
  ? false
  : `no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`;

export const built = (name) => readFileSync(new URL(name, STATIC));
export const VERIFIER = new URL('verify.html', STATIC).href;

/** A host name without https that leads here: there a page has no WebCrypto, as in a bureau's intranet. */
export const INTRANET = 'intranet.example.cn';

export const launch = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...[
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      `--host-resolver-rules=MAP ${INTRANET} 127.0.0.1`,
    ],
  });

/** Files for a file chooser. */
export const asFile = (name, bytes) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });

/** A log's public files, by path, from the entries and checkpoints of a vector. */
export function filesOfLog({ entries, checkpoints }) {
  const files = new Map();
  const notes = new Map(checkpoints.map((checkpoint) => [sizeOf(fromBase64(checkpoint)), fromBase64(checkpoint)]));
  const sizes = [...notes.keys()].sort((a, b) => a - b);
  for (const [size, note] of notes) files.set(`cosigned/${size}`, note);
  files.set('cosigned/index', Buffer.from(sizes.map((size) => `${size}\n`).join('')));
  files.set('checkpoint', notes.get(sizes[sizes.length - 1]));
  const bundle = entries
    .map(fromBase64)
    .flatMap((entry) => [Buffer.from([entry.length >> 8, entry.length & 255]), entry]);
  files.set(bundlePath(0, entries.length), Buffer.concat(bundle));
  return files;
}

const sizeOf = (note) => Number(new TextDecoder().decode(note).split('\n')[1]);

/** The same files in a folder that a reader can choose. */
export function folderOfLog(log) {
  const folder = mkdtempSync(join(tmpdir(), 'fairdraw-log-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const [path, bytes] of filesOfLog(log)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

/** A site with one draw, as docs/site.md has it: the log's files, the trust file, the script, and pages. */
export function siteOf(item) {
  const files = filesOfLog(item.log);
  files.set('trust', Buffer.from(item.trust));
  for (const name of ['verify.html', 'fairdraw.js', 'fairdraw.css']) files.set(name, built(name));
  files.set('d/3/bundle.fairdraw.json', Buffer.from(bytesOf(item)));
  files.set('d/3/index.html', Buffer.from(drawPage(item)));
  return files;
}

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src blob:; " +
  "img-src 'self' data:; base-uri 'none'; form-action 'none'";

const head = (root) => {
  const { files } = JSON.parse(built('BUNDLE.json'));
  return `<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CSP}"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>site</title><link rel="icon" href="data:,"><link rel="stylesheet" href="${root}fairdraw.css" integrity="${files['fairdraw.css'].sri}">
<script src="${root}fairdraw.js" integrity="${files['fairdraw.js'].sri}" defer></script></head>
<body><header><p class="brand"><b>site</b></p></header>`;
};

/** A draw's page, with the result table of its report (its lines as `[no, team, ticket]`). */
export function drawPage(item, lines = item.lines ?? [], asOf = item.asOf) {
  const rows = lines.map(
    ([no, team, ticket]) =>
      `<tr><th scope="row" class="no">${no}</th><td class="team">${team.join(' ')}</td><td class="ticket"><code>${ticket}</code></td></tr>`,
  );
  return `${head('../../')}<main id="fairdraw" data-page="draw" data-log="../../" data-bundle="bundle.fairdraw.json"
data-trust="../../trust" data-announcement="${item.file.announcement}" data-draw="${item.file.draw ?? ''}" data-as-of="${asOf}">
<h1>draw</h1><section id="verdict"><p>static</p></section>
<div class="scroll"><table id="result"><thead><tr><th>no</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>
<section id="lookup"></section></main></body></html>`;
}

export function indexPage(rows) {
  const cells = rows.map(
    ({ item, states, text }) =>
      `<tr data-state="${states.join(' ')}" data-item="${item}" data-time="2026-01-01T00:00:00Z"><td>${text}</td><td>${states
        .map(
          (state) =>
            `<span class="badge" data-state="${state}"><span lang="zh">${state}-中</span> <span lang="en">${state}-en</span></span>`,
        )
        .join(' ')}</td></tr>`,
  );
  return `${head('')}<main id="fairdraw" data-page="index"><h1>draws</h1>
<div class="scroll"><table id="draws"><thead><tr><th>a</th><th>b</th></tr></thead><tbody>${cells.join('')}</tbody></table></div></main></body></html>`;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css',
  json: 'application/json',
};

/**
 * Serve files by path, which a test may change meanwhile. `ill.path` is a pattern of paths that `ill.how` happens to.
 * `base` is the address on this machine, `intranet` by a name that is not localhost; `asked` has every path.
 */
export async function serve(files, ill = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    let path = decodeURIComponent(new URL(request.url, 'http://x').pathname).slice(1);
    if (path === '' || path.endsWith('/')) path += 'index.html';
    asked.push(path);
    const bytes = files.get(path);
    if (bytes && ill.path?.test(path)) return ill.how(response, Buffer.from(bytes));
    response.writeHead(bytes ? 200 : 404, {
      'content-type': TYPES[path.split('.').pop()] ?? 'application/octet-stream',
    });
    response.end(bytes);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    base: `http://127.0.0.1:${port}/`,
    intranet: `http://${INTRANET}:${port}/`,
    asked,
    ill,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
