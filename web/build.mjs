/**
 * Build the pages into cli/fairdraw_cli/static: `npm run build`, or `node build.mjs --check` to compare with what is
 * there. The same sources, lock file and wording make the same bytes, so that anybody can see that a page is what it
 * claims to be.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import esbuild from 'esbuild';
import { parse } from 'smol-toml';

const WEB = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(WEB);
const STATIC = join(ROOT, 'cli/fairdraw_cli/static');

/** No newer syntax than these browsers read; Chromium 109 is the last one for Windows 7 and 8.1. */
const TARGET = ['chrome109', 'firefox115', 'safari16.4'];

/** What a page may say. Sentences of commands, audits and forms stay out. */
const SECTIONS = /^(verdict|mark|word|check\..*|slip\..*|reason|finding|error|field|statement|role|page|page\..*)$/;
const OF_THE_SHEET = [
  ...['order', 'object', 'team', 'prints', 'by-hand-note'],
  ...['proves-before', 'proves-random', 'proves-rules', 'proves-log'],
  ...['not-complete', 'not-other-draw', 'not-conflicts', 'not-inspected'],
];

const read = (...path) => readFileSync(join(...path), 'utf8');
const digest = (algorithm, data, encoding) => createHash(algorithm).update(data).digest(encoding);

/** The sections of a wording file that pages need, each a flat table; `more` names one that only some have. */
function sectionsOf(lang, more = null) {
  const sections = {};
  const take = (table, name) => {
    const sentences = Object.entries(table).filter(([, value]) => typeof value === 'string');
    if (SECTIONS.test(name) || name === more) sections[name] = Object.fromEntries(sentences);
    if (name === 'sheet')
      sections[name] = Object.fromEntries(sentences.filter(([code]) => OF_THE_SHEET.includes(code)));
    for (const [below, value] of Object.entries(table)) {
      if (typeof value === 'object') take(value, name ? `${name}.${below}` : below);
    }
  };
  take(parse(read(ROOT, `src/fairdraw/wording/${lang}.toml`)), '');
  return sections;
}

/** `import sections from 'fairdraw:words'`. */
const wordsPlugin = (sections) => ({
  name: 'words',
  setup(build) {
    build.onResolve({ filter: /^fairdraw:words$/ }, ({ path }) => ({ path, namespace: 'words' }));
    build.onLoad({ filter: /.*/, namespace: 'words' }, () => ({ contents: JSON.stringify(sections), loader: 'json' }));
  },
});

async function bundled(entry, options = {}) {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: WEB,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    target: TARGET,
    charset: 'utf8',
    legalComments: 'none', // THIRD_PARTY_LICENSES.txt has them
    ...options,
  });
  return { text: outputFiles[0].text.trim(), inputs: Object.keys(metafile.inputs) };
}

/**
 * The script of a page, and of the public pages the one: the verifier as a function, whose text is its Worker's source,
 * and the page around it.
 */
async function scriptOf(entry, sections) {
  const core = await bundled('src/worker.mjs', { globalName: 'core' });
  const alone = await bundled(entry, { plugins: [wordsPlugin({})] });
  const said = saidBy(core.text + alone.text);
  const page = await bundled(entry, {
    plugins: [wordsPlugin({ zh: withErrorsOf(sections.zh, said), en: withErrorsOf(sections.en, said) })],
  });
  const text = `(function(){function fairdrawCore(){${core.text}\nreturn core}\n${page.text}})();\n`;
  if (/<\/script|<!--|\r/i.test(text)) throw new Error('the script would end the element that it stands in');
  return { text, inputs: [...core.inputs, ...page.inputs] };
}

/** Whether a script can refuse something by this code: it stands there, or a template makes it. */
function saidBy(script) {
  const beginnings = [...script.matchAll(/`([a-z]+(?:-[a-z]+)*-)\$\{/g)].map(([, beginning]) => beginning);
  return (code) => script.includes(code) || beginnings.some((beginning) => code.startsWith(beginning));
}

/** Half of the errors are those of commands, and a page needs no sentence for what it never does. */
const withErrorsOf = (sections, said) => ({
  ...sections,
  error: Object.fromEntries(Object.entries(sections.error).filter(([code]) => said(code))),
});

/** The ceremony's pages: a script of their own with a verifier's words in it would show the hall more than it needs. */
async function ceremonyOf() {
  const words = ({ hall, role }) => ({ hall, role });
  const sections = Object.fromEntries(
    ['zh', 'en'].map((lang) => [lang, words(parse(read(ROOT, `src/fairdraw/wording/${lang}.toml`)))]),
  );
  const { text } = await bundled('src/ceremony/main.mjs', { plugins: [wordsPlugin(sections)] });
  const source = read(WEB, 'src/ceremony/ceremony.css');
  const style = await esbuild.transform(source, { loader: 'css', minify: true, charset: 'utf8', target: TARGET });
  return [
    ['ceremony.html', read(WEB, 'src/ceremony/ceremony.html')],
    ['ceremony.js', `${text}\n`],
    ['ceremony.css', style.code],
  ];
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A sentence of both languages for a page's static text. */
function both(sections, section, code) {
  return ['zh', 'en']
    .map((lang) => {
      const sentence = sections[lang][section]?.[code];
      if (sentence === undefined) throw new Error(`no sentence [${section}] ${code} in ${lang}`);
      return `<span lang="${lang}">${escaped(sentence)}</span>`;
    })
    .join(' ');
}

function pageOf(template, sections, parts) {
  return template.replace(/\{(?:(page|sheet|supervise)\.)?([a-z-]+)\}/g, (_, section, name) =>
    section ? both(sections, section, name) : parts[name],
  );
}

/** The notices of every package of which something is in the script. */
function licences(inputs) {
  const names = new Set(inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
  return [...names]
    .sort()
    .map((name) => {
      const { version } = JSON.parse(read(WEB, 'node_modules', name, 'package.json'));
      return `${name} ${version}\n\n${read(WEB, 'node_modules', name, 'LICENSE').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

async function cssOf(names) {
  const source = names.map((name) => read(WEB, 'src', name)).join('');
  return (await esbuild.transform(source, { loader: 'css', minify: true, charset: 'utf8', target: TARGET })).code;
}

/** A page that is one file: its policy lets in its own script and style, by hash, and no other. */
function oneFile(template, sections, { script, style, title, version }) {
  return pageOf(read(WEB, 'src', template), sections, {
    'script-hash': digest('sha256', script, 'base64'),
    'style-hash': digest('sha256', style, 'base64'),
    ...{ script, style, title, version: escaped(version) },
  });
}

/** A supervisor's phone: one file, with a verifier inside, so that nothing else need be trusted. */
async function superviseOf(version) {
  const sections = { zh: sectionsOf('zh', 'supervise'), en: sectionsOf('en', 'supervise') };
  const { text, inputs } = await scriptOf('src/supervise/main.mjs', sections);
  const style = (await cssOf(['page/page.css', 'supervise/supervise.css'])).trim();
  const title = sections.zh.supervise.heading;
  return { page: oneFile('supervise/supervise.html', sections, { script: text, style, title, version }), inputs };
}

async function build() {
  const { version } = parse(read(ROOT, 'pyproject.toml')).project;
  const sections = { zh: sectionsOf('zh'), en: sectionsOf('en') };
  const script = await scriptOf('src/page/main.mjs', sections);
  const style = (await cssOf(['page/page.css'])).trim();
  const supervise = await superviseOf(version);
  const files = new Map([
    [
      'verify.html',
      oneFile('page/verify.html', sections, {
        ...{ script: script.text, style, version },
        title: sections.zh.page['verify-title'],
      }),
    ],
    ['fairdraw.js', script.text],
    ['fairdraw.css', await cssOf(['page/page.css', 'page/site.css'].filter((name) => existsSync(join(WEB, 'src', name))))],
    ['supervise.html', supervise.page],
    ...(await ceremonyOf()),
    ['THIRD_PARTY_LICENSES.txt', licences([...script.inputs, ...supervise.inputs])],
  ]);
  const hashes = Object.fromEntries(
    [...files].map(([name, text]) => [
      name,
      {
        length: Buffer.byteLength(text),
        sha256: digest('sha256', text, 'hex'),
        sri: `sha384-${digest('sha384', text, 'base64')}`,
      },
    ]),
  );
  const lock = digest('sha256', read(WEB, 'package-lock.json'), 'hex');
  files.set('BUNDLE.json', `${JSON.stringify({ version, files: hashes, lock }, null, 2)}\n`);
  return files;
}

const files = await build();
if (process.argv.includes('--check')) {
  const differing = [...files].filter(([name, text]) => !existsSync(join(STATIC, name)) || read(STATIC, name) !== text);
  for (const [name] of differing)
    console.error(`cli/fairdraw_cli/static/${name} is not what the sources make: run npm run build`);
  process.exitCode = differing.length ? 1 : 0;
} else {
  mkdirSync(STATIC, { recursive: true });
  for (const [name, text] of files) {
    writeFileSync(join(STATIC, name), text);
    console.log(`${name} ${Buffer.byteLength(text)} bytes`);
  }
}
