import assert from 'node:assert/strict';
import { test } from 'node:test';

import { canonical, sha256hex, utf8 } from '../src/core/encoding.mjs';
import { rootOfLines } from '../src/core/merkle.mjs';
import { readRoster, readRosterLine } from '../src/core/snapshot.mjs';
import { leftOut } from '../src/verify/registries.mjs';
import { refuses, runVectors } from './vectors.mjs';

runVectors('roster', ({ roster, attrs, private: fields, listing }) => {
  const rows = readRoster(utf8(roster), { roster: listing, attrs, private: fields });
  assert.equal(rows.map(({ line }) => `${line}\n`).join(''), roster);
});

const SEAL = 'ab'.repeat(32);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ATTRS = [['level', 'integer'], ['open', 'boolean'], ['region', 'string'], ['skills', 'strings']];
const row = (no, attrs = {}, seal = SEAL) =>
  canonical({ attrs: { level: 1, open: true, region: '济南', skills: ['ct'], ...attrs }, no, seal });

/** Read these lines under a statement that has their digest, root and count. */
function read(lines, { fields = [['name', true]], attrs = ATTRS, ...other } = {}) {
  const bytes = utf8(lines.map((line) => `${line}\n`).join(''));
  const roster = { digest: sha256hex(bytes), length: bytes.length, count: lines.length, root: rootOfLines(lines) };
  return readRoster(bytes, { roster: { ...roster, ...other }, attrs, private: fields });
}

test('rows are read with what is theirs', () => {
  const [first] = read([row('H-1'), row('H-2', { level: null, skills: [] })]);
  assert.equal(first.no, 'H-1');
  assert.equal(first.seal, SEAL);
  assert.deepEqual({ ...first.attrs }, { level: 1, open: true, region: '济南', skills: ['ct'] });
  assert.equal(first.line, row('H-1'));
  assert.deepEqual(read([]), []);
  assert.equal(read([row('H-1', {}, EMPTY)], { fields: [] }).length, 1);
});

test('what the statement says is compared', () => {
  for (const other of [{ digest: SEAL }, { length: 1 }]) refuses('wrong-digest', () => read([row('H-1')], other));
  for (const other of [{ root: SEAL }, { count: 2 }]) refuses('wrong-root', () => read([row('H-1')], other));
});

test('a byte changed in a roster is refused by its digest', () => {
  const bytes = utf8(`${row('H-1')}\n`);
  const roster = { digest: sha256hex(bytes), length: bytes.length, count: 1, root: rootOfLines([row('H-1')]) };
  for (let at = 0; at < bytes.length; at++) {
    const bent = bytes.slice();
    bent[at] ^= 1;
    refuses('wrong-digest', () => readRoster(bent, { roster, attrs: ATTRS, private: [['name', true]] }));
  }
});

test('lines that are no rows', () => {
  const good = row('H-1');
  const bent = [[':1', ':1.0'], ['"no"', '"nr"'], ['H-1', 'H 1'], ['H-1', ''], ['H-1', 'H'.repeat(41)], ['"H-1"', '1'],
    ['ab"}', 'AB"}'], ['ab"}', 'a"}'], [`"${SEAL}"`, 'null']].map(([from, to]) => good.replace(from, to));
  const noAttrs = ['[]', 'null', '"a"'].map((attrs) => `{"attrs":${attrs},"no":"H-1","seal":"${SEAL}"}`);
  for (const bad of ['', 'null', '[]', '1', '{}', ` ${good}`, good.slice(1), good + good, ...bent, ...noAttrs]) {
    refuses('bad-roster-line', () => read([bad]));
    refuses('bad-roster-line', () => readRosterLine(bad, { attrs: ATTRS, private: [['name', true]] }));
  }
});

test('attributes are those of the schema, each null or of its type', () => {
  const wrong = (attrs) => refuses('bad-attribute', () => read([row('H-1', attrs)]));
  for (const level of ['1', true, []]) wrong({ level });
  for (const open of [0, 'true', []]) wrong({ open });
  for (const region of [1, false, ['a']]) wrong({ region });
  for (const skills of ['ct', [1], [null], ['b', 'a'], ['a', 'a'], ['𠮷', '\ue000'], [['a']]]) wrong({ skills });
  read([row('H-1', { skills: ['\ue000', '𠮷'] })]); // bytewise by UTF-8
  refuses('bad-attributes', () => read([row('H-1', { more: 1 })]));
  refuses('bad-attributes', () => read([row('H-1')], { attrs: ATTRS.slice(1) }));
  refuses('bad-attributes', () => read([row('H-1')], { attrs: [...ATTRS, ['constructor', 'string']] }));
});

test('numbers rise, and no two look alike', () => {
  refuses('roster-not-sorted', () => read([row('H-2'), row('H-1')]));
  refuses('roster-not-sorted', () => read([row('H-1'), row('H-1')]));
  refuses('number-twice', () => read([row('H-1'), row('h-1')]));
  read([row('H-1'), row('H-10'), row('H-2'), row('H1'), row('h-3')]);
});

test('without private fields a seal is the empty one', () => {
  refuses('seal-without-fields', () => read([row('H-1')], { fields: [] }));
  refuses('seal-without-fields', () => readRosterLine(row('H-1'), { attrs: ATTRS, private: [] }));
  assert.equal(readRosterLine(row('H-1'), { attrs: ATTRS, private: [['name', true]] }).no, 'H-1');
});

test('a bundle leaves the largest rosters out until the others have room', () => {
  const some = (...lengths) => leftOut(lengths.map((length, i) => ({ digest: `${i}`, length })));
  const room = (3 * 3 * 2 ** 28) / 4;
  assert.deepEqual([...some(room, 0)], []);
  assert.deepEqual([...some(5, room, room)], ['1', '2']);
  assert.deepEqual([...some(room - 5, 2 * room, 5)], ['1']);
  assert.deepEqual([...some(room + 1, 5)], ['0']);
});
