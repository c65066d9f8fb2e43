/** What the pages decide before anything is shown: fragments, diagnoses, which verdict, which words, whose number. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { parse } from 'smol-toml';

import { digestText, utf8 } from '../src/core/encoding.mjs';
import { explainer, resultOf } from '../src/page/explain.mjs';
import { diagnosis, kindOf } from '../src/page/diagnosis.mjs';
import { partsIn, readFragment } from '../src/page/fragment.mjs';
import { secondsOf } from '../src/page/inputs.mjs';
import { commands } from '../src/page/lookup.mjs';
import {
  beijing,
  headline,
  isFileAlone,
  isSame,
  lacksOnlyTheLog,
  matching,
  reportLine,
  resultAgrees,
  sealedUntil,
  shortened,
  shownVerdict,
  timeline,
} from '../src/page/reading.mjs';
import { addParts } from '../src/page/scanned.mjs';
import { fromFolder, openLog } from '../src/page/sources.mjs';
import { keepTrust, keptTrust } from '../src/page/trust.mjs';
import { Words } from '../src/page/words.mjs';
import { examine } from '../src/verify/index.mjs';
import { bytesOf, fullCases, reportOf } from './files.mjs';
import { refuses, vectors } from './vectors.mjs';

const HASH = 'ab'.repeat(32);
const PAGES = new URL('../src/page/', import.meta.url);

/** The wording as the build gives it to a page: every section, flat. */
function sectionsOf(lang) {
  const sections = {};
  const take = (table, name) => {
    sections[name] = Object.fromEntries(Object.entries(table).filter(([, value]) => typeof value === 'string'));
    for (const [below, value] of Object.entries(table)) {
      if (typeof value === 'object') take(value, name ? `${name}.${below}` : below);
    }
  };
  take(parse(readFileSync(new URL(`../../src/fairdraw/wording/${lang}.toml`, import.meta.url), 'utf8')), '');
  return sections;
}
const words = new Words({ zh: sectionsOf('zh'), en: sectionsOf('en') });

const bundles = new Map(fullCases('bundle').map((item) => [item.name, item]));
const slips = new Map(fullCases('slip').map((item) => [item.name, item]));
const reports = new Map();
function report(name) {
  if (!reports.has(name)) reports.set(name, reportOf(bundles.get(name)));
  return reports.get(name);
}

/** A `localStorage` that keeps, or one that refuses as browsers do in private windows. */
function withStorage(storage, act) {
  globalThis.localStorage = storage;
  try {
    return act();
  } finally {
    delete globalThis.localStorage;
  }
}
function memory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
    kept,
  };
}
const refusing = new Proxy(
  {},
  {
    get: () => () => {
      throw new Error('SecurityError');
    },
  },
);

// --- addresses and files -------------------------------------------------------------------------------------------

test('a fragment names a draw, a number in it, or carries a part of a slip; anything else is said to be bad', () => {
  assert.equal(readFragment(''), null);
  assert.equal(readFragment('#'), null);
  assert.deepEqual(readFragment(`#${HASH}`), { hash: HASH, no: null });
  assert.deepEqual(readFragment(`#${HASH}.H-0001`), { hash: HASH, no: 'H-0001' });
  assert.deepEqual(readFragment(`#${HASH}.a.b:c_d`), { hash: HASH, no: 'a.b:c_d' });
  assert.deepEqual(readFragment('#z=110239900284777756195709010'), { part: 'z=110239900284777756195709010' });
  for (const bad of [
    HASH.slice(1),
    HASH.toUpperCase(),
    `${HASH}0`,
    `${HASH}.`,
    `${HASH}.<b>`,
    `${HASH}.${'x'.repeat(41)}`,
    'z=',
    'z=1a',
    '%00',
  ]) {
    assert.deepEqual(readFragment(`#${bad}`), { bad: true }, bad);
  }
});

test('the parts of a slip are found in whatever was pasted around them', () => {
  const pasted =
    'https://yb.example.cn/verify.html#z=13346700031446\nfairdraw:log.example.cn/x#z=2334670411 and #z=333';
  assert.deepEqual(partsIn(pasted), ['z=13346700031446', 'z=2334670411', 'z=333']);
  assert.deepEqual(partsIn('z=13346700031446 without a mark'), []);
});

test('scanned parts are kept until all are there, and then forgotten', () => {
  const { parts, file } = vectors('slipcode').accept.find(({ name }) => name === 'three parts');
  const storage = memory();
  withStorage(storage, () => {
    assert.deepEqual(addParts([parts[1]]), { have: [2], of: 3 });
    assert.deepEqual(addParts([parts[1]]), { have: [2], of: 3 });
    assert.deepEqual(addParts([parts[0]]), { have: [1, 2], of: 3 });
    assert.deepEqual(addParts([parts[2]]), { file: utf8(file) });
    assert.equal(storage.kept.size, 0);
    assert.deepEqual(addParts([parts[2], parts[0], parts[1]]), { file: utf8(file) });
    assert.deepEqual(addParts([parts[0]]), { have: [1], of: 3 });
    assert.deepEqual(addParts(['z=12000000028']), { have: [1], of: 2 }, 'another slip begins anew');
    refuses('bad-slip-code', () => addParts(['z=']));
  });
  withStorage(refusing, () => assert.deepEqual(addParts([parts[1]]), { have: [2], of: 3 }));
});

test('what cannot be read is told apart: no proof, broken off, newer, altered', () => {
  const bytes = bytesOf(bundles.get('plain'));
  const text = new TextDecoder().decode(bytes);
  assert.equal(diagnosis(utf8('PNG …')), 'file-not-a-proof');
  assert.equal(diagnosis(utf8('')), 'file-not-a-proof');
  assert.equal(diagnosis(Uint8Array.of(0xff, 0xfe, 0x7b)), 'file-not-a-proof');
  assert.equal(diagnosis(bytes.subarray(0, 2000)), 'file-cut');
  assert.equal(diagnosis(utf8(text.replace(/"v":0\}\n$/, '"v":1}\n'))), 'file-newer');
  assert.equal(diagnosis(utf8(`${text} `)), 'file-altered');
  assert.equal(kindOf(utf8('# mine\n\nfairdraw/trust v1\n')), 'trust');
  assert.equal(kindOf(utf8('{"field":"name"}')), 'openings');
  assert.equal(kindOf(bytes), 'proof');
});

test('a trust file is kept as it is, and nothing else that stands there is taken for one', () => {
  const bytes = utf8('fairdraw/trust v1\n');
  const storage = memory();
  withStorage(storage, () => {
    assert.equal(keptTrust(), null);
    assert.equal(keepTrust({ bytes, name: '信任' }, '2026-01-02'), true);
    assert.deepEqual(keptTrust(), { bytes, name: '信任', since: '2026-01-02' });
    for (const other of ['', 'null', '{}', '{"data":"%"}', '[]']) {
      for (const key of storage.kept.keys()) storage.kept.set(key, other);
      assert.equal(keptTrust(), null, other);
    }
  });
  withStorage(refusing, () => {
    assert.equal(keptTrust(), null);
    assert.equal(keepTrust({ bytes, name: 'x' }, '2026-01-02'), false);
  });
});

test('a log is found in a chosen folder, in it or below, and the nearest one counts', async () => {
  const file = (path, text) => ({
    webkitRelativePath: path,
    name: path.split('/').pop(),
    arrayBuffer: async () => utf8(text).buffer,
  });
  assert.equal(fromFolder([file('office/readme', 'x')]), null);
  assert.equal(fromFolder([file('office/not-checkpoint', 'x')]), null);
  const read = fromFolder([
    file('office/old/log/checkpoint', 'old'),
    file('office/log/checkpoint', 'new'),
    file('office/log/tile/0/000', 't'),
  ]);
  assert.equal(new TextDecoder().decode(await read('checkpoint')), 'new');
  assert.equal(new TextDecoder().decode(await read('tile/0/000')), 't');
  assert.equal(await read('../old/log/checkpoint'), null);
});

test('of a log, each artifact that a verification lacks is fetched once, and one that is not there ends it', async () => {
  const asked = [];
  const files = new Map([
    ['checkpoint', utf8(`log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— log AAAAAAA=\n`)],
    ['artifact/aa', utf8('a')],
  ]);
  const log = await openLog(async (path) => (asked.push(path), files.get(path) ?? null));
  assert.equal(await log.more(['aa', 'bb']), true);
  assert.equal(await log.more(['aa', 'bb']), false);
  assert.deepEqual(
    asked.filter((path) => path.startsWith('artifact/')),
    ['artifact/aa', 'artifact/bb'],
  );
  assert.deepEqual([...log.artifacts.keys()], ['aa']);
});

// --- what a report says --------------------------------------------------------------------------------------------

test('a verdict is shown as sealed only where everything but the sealed content holds', () => {
  const sealed = report('sealed');
  assert.equal(shownVerdict(sealed), 'sealed');
  assert.equal(headline(sealed)[1], 'sealed');
  assert.equal(
    sealedUntil({
      ...sealed,
      checks: sealed.checks.map((check) =>
        check.code === 'no-other-draw' ? { ...check, state: 'unknown', reason: 'no-log' } : check,
      ),
    }),
    null,
  );
  assert.equal(shownVerdict(report('plain')), 'holds');
  assert.equal(shownVerdict(report('without the log')), 'unknown');
  assert.equal(shownVerdict(report('sealed, and the day is over')), 'unknown');
  assert.equal(shownVerdict(report('a drawn object swapped')), 'fails');
  assert.equal(shownVerdict(report('a sealed draw that shows its key')), 'fails');
});

test('what the reader did not ask for, or did not give, is said with the verdict', () => {
  assert.equal(isFileAlone(report('only the bundle is asked about')), true);
  // Also where the verdict is another: nobody looked for another draw then either.
  assert.equal(isFileAlone({ ...report('only the bundle is asked about'), verdict: 'unknown' }), true);
  assert.equal(isFileAlone(report('plain')), bundles.get('plain').bundle_only === true);
  assert.equal(lacksOnlyTheLog(report('without the log')), true);
  assert.equal(lacksOnlyTheLog(report('the log is three days old')), false);
  assert.equal(lacksOnlyTheLog(report('sealed')), false);
});

test('a result counts as the published one only if every item of it was compared and nothing failed', () => {
  assert.equal(isSame(report('plain')), true);
  for (const name of [
    'a drawn object swapped',
    'an inspector swapped',
    'a quota one more',
    'two lines of the result exchanged',
  ]) {
    assert.equal(isSame(report(name)), false, name);
    assert.equal(resultAgrees(report(name)), false, name);
  }
  const late = report('cosigned after the round');
  assert.equal(resultAgrees(late), true);
  assert.equal(isSame(late), false);
  assert.equal(resultAgrees(report('no draw')), false);
});

test('the timeline has no step that a check did not show', () => {
  assert.deepEqual(
    timeline(report('plain')).map(([code]) => code),
    ['locked', 'pulse', 'logged'],
  );
  assert.deepEqual(
    timeline(report('cosigned after the round')).map(([code]) => code),
    ['logged'],
  );
  assert.deepEqual(timeline(report('trust file: another log')), []);
});

test('every check of every report has its words in both languages, and the states are told apart', () => {
  const all = [
    ...[...bundles.keys()].map((name) => () => report(name)),
    ...[...slips.values()].map((item) => () => reportOf(item)),
  ];
  for (const make of all) {
    let made;
    try {
      made = make();
    } catch (error) {
      assert.ok(error.code, error);
      continue;
    }
    const [section, code, params] = headline(made);
    for (const lang of ['zh', 'en']) {
      const catalogue = words[lang];
      const sentence = catalogue.say(section, code, params);
      assert.ok(!sentence.includes('?') && catalogue.has(section, code), sentence);
      for (const check of made.checks) {
        const evidence = shortened(check.evidence, (count) => String(count));
        const told = catalogue.check(check.code, check.state, check.reason, evidence, { kind: made.kind });
        assert.ok(told.title && told.says, check.code);
        assert.ok(
          check.depends ||
            !check.reason ||
            catalogue.has('reason', check.reason) ||
            catalogue.has('error', check.reason),
          check.reason,
        );
        assert.doesNotMatch(`${told.why}${told.do}`, /--log|fairdraw /, 'a page does not speak of commands');
      }
      for (const finding of made.findings) assert.ok(catalogue.has('finding', finding.code), finding.code);
    }
  }
});

test('times are those of China, hashes in sentences are cut, and what is no time stays a number', () => {
  assert.equal(beijing(1788807600), '2026-09-08 03:00:00 +08:00');
  assert.equal(secondsOf('2026-09-08T03:00'), 1788807600);
  assert.equal(secondsOf('2026-09-08T03:00:07'), 1788807607);
  assert.equal(secondsOf(''), null);
  const more = (count) => `+${count}`;
  assert.deepEqual(shortened({ round: 32000944, time: 1788807600, key: HASH, list: new Array(18).fill(1) }, more), {
    round: 32000944,
    time: '2026-09-08 03:00:00 +08:00',
    key: `${HASH.slice(0, 16)}…`,
    list: [...new Array(16).fill(1), '+2'],
  });
});

test('a table is searched by any part of a number, whatever its case', () => {
  const drawn = [
    ['H-0001', ['I-07', 'I-09']],
    ['h-0002', ['I-08']],
  ];
  assert.deepEqual(matching(drawn, ''), drawn);
  assert.deepEqual(
    matching(drawn, ' i-07 ').map(([no]) => no),
    ['H-0001'],
  );
  assert.deepEqual(matching(drawn, 'H-000').length, 2);
  assert.deepEqual(matching(drawn, 'H-0003'), []);
});

// --- one number ----------------------------------------------------------------------------------------------------

const examined = (item, how = {}) =>
  examine(bytesOf(item), utf8(item.trust), { asOf: item.as_of, bundleOnly: true, log: null, ...how });

test('every number of every registry is answered for, and the answers agree with the draw', () => {
  for (const name of ['plain', 'capped', 'committed', 'opened', 'specialists, experts and a pool']) {
    const { kase, report: made } = examined(bundles.get(name));
    const explain = explainer(kase, made);
    const drawn = new Map(made.drawn);
    for (const { no } of kase.rosters.objects.rows) {
      const answer = explain(no);
      const codes = answer.sentences.map(([code]) => code);
      assert.equal(codes.includes('look-drawn'), drawn.has(no), `${name}: ${no} ${codes}`);
      assert.deepEqual(answer.team ?? [], drawn.get(no) ?? []);
      for (const [code, params] of answer.sentences) assert.doesNotMatch(words.page(code, params).zh, /\?|undefined/);
      for (const [, line, prints] of commands(answer)) assert.equal(digestText(printed(line)), prints);
    }
    const visits = new Map();
    for (const [no, team] of made.drawn) for (const each of team) visits.set(each, [...(visits.get(each) ?? []), no]);
    for (const { no } of kase.rosters.inspectors.rows) {
      const [[code, { objects = [] }]] = explain(no).sentences;
      assert.equal(code, objects.length ? 'look-inspects' : 'look-inspects-none');
      for (const visit of visits.get(no) ?? []) assert.ok(objects.includes(visit));
    }
    assert.deepEqual(
      resultOf(kase, made).map(({ no, team }) => [no, team]),
      made.drawn,
    );
  }
});

/** What the shell's printf of a command writes. */
function printed(line) {
  const [, format, rest] = /^printf '([^']*)' ([^|]*) \| sha256sum$/s.exec(line);
  const given = [...rest.matchAll(/'([^']*)'|([^\s\\]+)/g)].map(([, quoted, plain]) => quoted ?? plain);
  const unescaped = format.replaceAll('\\n', '\n');
  return given.map((value) => unescaped.replace('%s', value)).join('');
}

test('a number is found whatever its case, and one that is not there is said not to be', () => {
  const { kase, report: made } = examined(bundles.get('plain'));
  const explain = explainer(kase, made);
  const [{ no }] = kase.rosters.objects.rows;
  assert.equal(explain(no.toLowerCase()).no, no);
  assert.deepEqual(
    explain('NOBODY').sentences.map(([code]) => code),
    ['look-absent'],
  );
});

test('nothing is computed from what a check refused, and nothing is known that is sealed', () => {
  const codesOf = (name, no) => {
    const { kase, report: made } = examined(bundles.get(name));
    const answer = explainer(kase, made)(no ?? kase.rosters?.objects.rows[0].no ?? 'H-000001');
    return [answer.sentences.map(([code]) => code), answer.key ?? null];
  };
  assert.deepEqual(codesOf('sealed'), [['look-sealed'], null]);
  assert.deepEqual(codesOf('a pulse of another round'), [['look-no-key'], null]);
  assert.deepEqual(codesOf('reveals closed after the round'), [['look-no-key'], null]);
  assert.deepEqual(codesOf('a row of the roster changed'), [['look-unpublished'], null]);
  assert.deepEqual(codesOf('trust file: another log'), [['look-unpublished'], null]);
  assert.deepEqual(codesOf('an opening with another key'), [['look-no-key'], null]);
});

test('a slip answers for its own number alone', () => {
  const codesOf = (name) => {
    const { kase, report: made } = examined(slips.get(name));
    return explainer(kase, made)('anything');
  };
  const drawn = codesOf("an object that was drawn, the owner's copy");
  assert.deepEqual(
    drawn.sentences.map(([code]) => code),
    ['look-slip-drawn'],
  );
  assert.ok(drawn.own && drawn.team.length);
  for (const [, line, prints] of commands(drawn)) assert.equal(digestText(printed(line)), prints);
  assert.deepEqual(
    codesOf('an object that was not drawn').sentences.map(([code]) => code),
    ['look-slip-not-drawn'],
  );
  assert.ok(['look-inspects', 'look-slip-inspector'].includes(codesOf('an inspector').sentences[0][0]));
  assert.deepEqual(codesOf('the number of another row').sentences, []);
  for (const name of ['a drawn object told that it was not', 'an undrawn object told that it was']) {
    const { sentences, ticket } = codesOf(name);
    assert.ok(!ticket && !sentences.some(([code]) => code.startsWith('look-slip')), name);
  }
});

// --- the sources themselves ----------------------------------------------------------------------------------------

test('no page parses text as HTML or code, and only one place asks the network', () => {
  for (const name of readdirSync(PAGES).filter((each) => each.endsWith('.mjs'))) {
    const source = readFileSync(new URL(name, PAGES), 'utf8');
    assert.doesNotMatch(
      source,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|srcdoc/,
      name,
    );
    if (name !== 'sources.mjs')
      assert.doesNotMatch(source, /\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource/, name);
  }
});

test('every report can be saved, and is read back as it was', () => {
  for (const made of reports.values()) {
    const line = reportLine(made);
    assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(made)));
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.ok(line.startsWith('{"as_of":'));
  }
});
