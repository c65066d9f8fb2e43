/** What holds of every verification: no input is a fault of the program, and no altered proof holds. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse as parseToml } from 'smol-toml';

import { canonical, fromBase64, parse, toBase64, utf8 } from '../src/core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../src/core/errors.mjs';
import { readLog } from '../src/core/tiles.mjs';
import { fields } from '../src/core/words.mjs';
import { artifactsOf, verifyFile } from '../src/verify/index.mjs';
import { EXIT_CODES, runChecks } from '../src/verify/report.mjs';
import { chance } from './chance.mjs';
import { bytesOf, fullCases, reportOf } from './files.mjs';
import { refuses } from './vectors.mjs';

const cases = [...fullCases('bundle'), ...fullCases('slip')];
const named = (name) => cases.find((item) => item.name === name);
const plain = named('only the bundle is asked about');
const whole = named('plain');

// --- altered files -------------------------------------------------------------------------------------------------

/** Where a file has bytes that somebody signed, hashed or proved. */
function places(file) {
  const inEntries = file.entries.flatMap((_, i) => [['entries', i, 'note'], ['entries', i, 'proof']]);
  const inCheckpoints = file.checkpoints.map((_, i) => ['checkpoints', i, 'checkpoint']);
  const inArtifacts = file.artifacts.map((_, i) => ['artifacts', i, 'data']);
  return [['checkpoint'], ...inEntries, ...inCheckpoints, ...inArtifacts];
}

function altered(file, path, change) {
  const copy = parse(utf8(canonical(file)));
  const last = path[path.length - 1];
  const parent = path.slice(0, -1).reduce((value, name) => value[name], copy);
  parent[last] = toBase64(change(fromBase64(parent[last])));
  return copy;
}

for (const item of [plain, named('an object that was drawn, the owner\'s copy'), named('an inspector')]) {
  test(`no bit of "${item.name}" can be flipped`, () => {
    const { below } = chance(item.name);
    for (const path of places(item.file)) {
      const file = altered(item.file, path, (bytes) => {
        if (bytes.length === 0) return utf8('x');
        bytes[below(bytes.length)] ^= 1 << below(8);
        return bytes;
      });
      assert.notEqual(reportOf({ ...item, file }).verdict, 'holds', path.join());
    }
  });
}

test('whatever is given, there is a report or a refusal', () => {
  const { below, pick } = chance('whatever');
  const mangle = {
    cut: (bytes) => bytes.subarray(0, below(bytes.length + 1)),
    repeat: (bytes) => Buffer.concat([bytes, bytes]),
    lines: (bytes) => utf8(Buffer.from(bytes).toString('utf8').split('\n').reverse().join('\n')),
    number: (bytes) => utf8(Buffer.from(bytes).toString('utf8').replace(/[0-9]+/, () => String(below(2 ** 31)))),
    nothing: () => new Uint8Array(0),
  };
  for (let i = 0; i < 150; i++) {
    const item = pick(cases.filter(({ file, bytes }) => bytes === undefined && file.entries?.length > 0));
    if (item.verdict === undefined) continue;
    const file = altered(item.file, pick(places(item.file)), mangle[pick(Object.keys(mangle))]);
    file.entries.splice(below(file.entries.length), below(2));
    try {
      const report = reportOf({ ...item, file });
      assert.equal(report.exit_code, EXIT_CODES[report.verdict]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
});

test('a file is refused before it is parsed where it is too large, and where it is none', () => {
  const read = (bytes) => verifyFile(bytes, utf8(plain.trust), { asOf: plain.as_of });
  refuses('not-a-bundle', () => read(utf8('{"type":"constructor"}\n')));
  refuses('not-a-bundle', () => read(utf8('[]\n')));
  refuses('not-a-bundle', () => read(utf8('null\n')));
  refuses('not-a-bundle', () => read(utf8(`${'['.repeat(100_000)}\n`)));
  refuses('not-a-bundle', () => read(bytesOf({ file: { ...plain.file, constructor: 1 } })));
  refuses('bundle-too-large', () => read({ length: 2 ** 30 + 1 }));
});

test('trust file and openings that cannot be read are refused', () => {
  refuses('not-a-trust-file', () => verifyFile(bytesOf(plain), utf8('trust me\n'), { asOf: plain.as_of }));
  refuses('bad-opening', () => reportOf(plain, { openings: utf8('{}\n') }));
});

// --- the order of things -------------------------------------------------------------------------------------------

test('the order of entries, checkpoints and artifacts says nothing', () => {
  const file = parse(utf8(canonical(plain.file)));
  for (const field of ['entries', 'checkpoints', 'artifacts']) file[field].reverse();
  const states = (item) => reportOf(item).checks.map(({ state }) => state);
  assert.deepEqual(states({ ...plain, file }), states(plain));
});

test('two halves of a quorum on two checkpoints prove nothing', () => {
  const file = parse(utf8(canonical(plain.file)));
  const [first, second] = file.checkpoints;
  const lines = Buffer.from(fromBase64(second.checkpoint)).toString('utf8').split('\n');
  const without = (place) => {
    const left = lines.filter((_, i) => i !== place).join('\n');
    return { ...second, checkpoint: toBase64(utf8(left)) };
  };
  file.checkpoints = [first, without(5), without(6)];
  const { checks } = reportOf({ ...plain, file });
  const { state, reason } = checks.find(({ code }) => code === 'announcement-before-pulse');
  assert.deepEqual([state, reason], ['fails', 'announcement-late']);
});

test('progress is told of each check, once', () => {
  const told = [];
  const { checks } = reportOf(plain, { progress: (result, done, of) => told.push([result.code, done, of]) });
  assert.equal(told.length, checks.length);
  assert.deepEqual(told.map(([, done]) => done), checks.map((_, i) => i + 1));
  assert.deepEqual(new Set(told.map(([code]) => code)), new Set(checks.map(({ code }) => code)));
});

test('a check waits for the first that is to blame, and a fault of the program is no answer', () => {
  const check = (code, needs, run) => ({ code, needs, run });
  const run = (checks) => runChecks(checks, {}, { notAsked: new Set(['d']), progress: null });
  const fails = () => {
    throw new CheckFails('no');
  };
  const results = run([
    check('a', ['c'], () => ({})),
    check('b', ['a', 'c'], () => ({})),
    check('c', [], fails),
    check('d', ['c'], fails),
    check('e', [], () => {
      throw new CannotTell('perhaps', { at: 1 });
    }),
    check('f', [], () => {
      throw new Refusal('below', { at: 2 });
    }),
  ]);
  assert.deepEqual(
    results.map(({ state, reason, depends }) => [state, reason, depends]),
    [
      ['unknown', 'depends', 'c'],
      ['unknown', 'depends', 'c'],
      ['fails', 'no', ''],
      ['not-asked', '', ''],
      ['unknown', 'perhaps', ''],
      ['fails', 'below', ''],
    ],
  );
  const bug = () => {
    throw new TypeError('a bug');
  };
  assert.throws(() => run([check('a', [], bug)]), TypeError);
});

// --- the log as files ----------------------------------------------------------------------------------------------

test('a log read from its files is the log', async () => {
  const entries = whole.log.entries.map(fromBase64);
  const checkpoints = whole.log.checkpoints.map(fromBase64);
  const sizes = checkpoints.map((bytes) => Buffer.from(bytes).toString('utf8').split('\n')[1]);
  const files = new Map(checkpoints.map((bytes, i) => [`cosigned/${sizes[i]}`, bytes]));
  files.set('checkpoint', checkpoints[checkpoints.length - 1]);
  files.set('cosigned/index', utf8(sizes.map((size) => `${size}\n`).join('')));
  const length = (bytes) => Buffer.from([bytes.length >> 8, bytes.length & 255]);
  const bundle = Buffer.concat(entries.flatMap((bytes) => [length(bytes), bytes]));
  files.set(`tile/entries/000.p/${entries.length}`, bundle);
  const log = await readLog(async (path) => files.get(path) ?? null);
  assert.equal(reportOf(whole, { log: { ...log, artifact: () => null } }).verdict, 'holds');
  files.delete('checkpoint');
  await assert.rejects(readLog(async (path) => files.get(path) ?? null), { code: 'missing' });
});

test('the artifacts that acts name are those of later acts alone', () => {
  const { log } = named('a substitution');
  const digests = artifactsOf(log.entries.map(fromBase64));
  const file = bytesOf(named('a substitution'));
  assert.equal(digests.size, 2); // vacancy and substitute
  assert.ok([...digests].every((digest) => Buffer.from(file).includes(digest)));
});

// --- sentences -----------------------------------------------------------------------------------------------------

let reports = null;
const isRead = ({ verdict }) => verdict !== undefined;
const allReports = () => (reports ??= cases.filter(isRead).map((item) => reportOf(item)));

for (const lang of ['zh', 'en']) {
  test(`every answer has its sentence, and the sentence its parameters: ${lang}`, () => {
    const path = new URL(`../../src/fairdraw/wording/${lang}.toml`, import.meta.url);
    const { reason, finding, error } = parseToml(readFileSync(path, 'utf8'));
    const has = (sentences, code, params) => {
      const sentence = sentences.map((section) => section[code]).find((found) => found !== undefined);
      assert.notEqual(sentence, undefined, code);
      for (const field of fields(sentence)) assert.ok(field in params, `${code}: {${field}}`);
    };
    for (const { checks, findings } of allReports()) {
      for (const check of checks) {
        if (check.reason && check.reason !== 'depends') has([reason, error], check.reason, check.evidence);
      }
      for (const { code, evidence } of findings) has([finding], code, evidence);
    }
  });
}
