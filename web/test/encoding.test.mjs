import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as encoding from '../src/core/encoding.mjs';
import { refuses, runVectors } from './vectors.mjs';

const { utf8, text, parse, canonical, fromHex, toHex } = encoding;

runVectors('encoding', (item) => {
  if ('json' in item) assert.equal(canonical(parse(utf8(item.json))), item.json);
  else if ('base64' in item) {
    const bytes = encoding.fromBase64(item.base64);
    assert.equal(toHex(bytes), item.hex);
    assert.equal(encoding.toBase64(bytes), item.base64);
  } else if ('hex' in item) parse(fromHex(item.hex));
  else if ('time' in item) {
    assert.equal(encoding.parseTime(item.time), item.seconds);
    assert.equal(encoding.formatTime(item.seconds), item.time);
  } else if ('date' in item) assert.equal(encoding.endOfDay(encoding.parseDate(item.date)), item.end);
  else if ('artifact' in item) assert.deepEqual(encoding.splitLines(utf8(item.artifact)), item.lines);
  else assert.fail('a case of no kind');
});

test('no field of an object comes from a prototype', () => {
  const value = parse(utf8('{"a":{"constructor":1}}'));
  assert.equal(value.constructor, undefined);
  assert.equal(value.a.constructor, 1);
  assert.equal(value.a.toString, undefined);
});

test('every byte of a canonical text, changed, is refused or is another value', () => {
  const source = '{"a":[-1,0,12,true,null],"b":{"c":"医\\"\\\\𠮷"}}';
  const bytes = utf8(source);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const other = bytes.slice();
      other[at] ^= 1 << bit;
      try {
        const value = parse(other);
        assert.deepEqual(utf8(canonical(value)), other);
      } catch (error) {
        assert.equal(error.name, 'Refusal', error.stack);
      }
    }
  }
});

test('whatever is cut off, put in or doubled never stops the reader in another way than a refusal', () => {
  const source = '{"a":[-1,0,1.5,1e9],"b":{"c":"\\u0041\\ud800\\n\\/\\x"}}';
  for (let at = 0; at <= source.length; at++) {
    for (const put of ['', ' ', '"', '\\', '{', '[', '}', ',', '-', '9', 'N', '\u0000']) {
      for (const other of [source.slice(0, at) + put, source.slice(0, at) + put + source.slice(at)]) {
        if (other === '9' || other === '{}') continue; // which are values
        assert.throws(() => parse(utf8(other)), { name: 'Refusal' });
      }
    }
  }
});

test('nesting without end is refused and does not exhaust the stack', () => {
  refuses('too-deep', () => parse(utf8('['.repeat(1_000_000))));
  refuses('too-deep', () => parse(utf8('{"a":'.repeat(1_000_000))));
});

test('a number of a million digits is refused', () => {
  refuses('integer-too-large', () => parse(utf8('1'.repeat(1_000_000))));
});

test('a control character, a lone surrogate, a combining mark that has a composed form', () => {
  for (const [character, code] of [
    ['\u0000', 'forbidden-character'], ['\u007f', 'forbidden-character'], ['\u009f', 'forbidden-character'],
    ['\u061c', 'forbidden-character'], ['\u180e', 'forbidden-character'], ['\u200b', 'forbidden-character'],
    ['\u200f', 'forbidden-character'], ['\u2028', 'forbidden-character'], ['\u202e', 'forbidden-character'],
    ['\u2060', 'forbidden-character'], ['\u206f', 'forbidden-character'], ['\ud800', 'forbidden-character'],
    ['\udfff', 'forbidden-character'], ['\ufeff', 'forbidden-character'], ['e\u0301', 'not-nfc'],
  ]) {
    refuses(code, () => encoding.checkString(`a${character}b`));
    refuses(code, () => canonical(`a${character}b`));
  }
  for (const fine of ['\u00a0', '\u200a', '\u2010', '\u202f', '\u205f', '\u2070', '\ue000', '𠮷', 'é']) {
    assert.equal(encoding.checkString(fine), fine);
    assert.equal(parse(utf8(canonical(fine))), fine);
  }
});

test('text compares as its UTF-8 bytes do', () => {
  const strings = ['', 'a', 'ab', 'b', 'é', '医', '医院', '\ue000', '\uffff', '𠮷', '𠮷a', '\u{10ffff}', '\ud7ff'];
  const bytewise = (a, b) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const a of strings) for (const b of strings) assert.equal(encoding.compareText(a, b), bytewise(a, b));
});

test('base64 is undone for every length, and every other spelling is refused', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + length) & 255);
    const string = encoding.toBase64(bytes);
    assert.equal(string, Buffer.from(bytes).toString('base64'));
    assert.deepEqual(encoding.fromBase64(string), bytes);
  }
  for (const bad of ['=', '==', '====', 'A===', 'AA=A', 'AAA', 'AB==', 'AAB=', 'AA==AA==', 'AA A', 'AAé=', 'AA\u0100=',
    '=AAA', 'AAAA=', 'AAAA====']) {
    refuses('not-base64', () => encoding.fromBase64(bad));
  }
});

test('hex is lower case, two digits a byte', () => {
  assert.deepEqual(fromHex('00ff10'), Uint8Array.of(0, 255, 16));
  assert.equal(toHex(Uint8Array.of(0, 255, 16)), '00ff10');
  for (const bad of ['0', 'FF', '0x', 'gg', ' 0', '0\n']) refuses('not-hex', () => fromHex(bad));
});

test('times have one spelling', () => {
  for (const bad of ['', '2026-09-07T24:00:00Z', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-09-07T10:60:00Z',
    '2026-00-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-09-07t10:00:00z', '2026-09-07T10:00:00.0Z',
    ' 2026-09-07T10:00:00Z', '2026-09-07T10:00:00Z\n', '+002026-09-07T10:00:00Z', '２026-09-07T10:00:00Z',
    '0000-01-01T00:00:00Z', '2100-02-29T00:00:00Z']) {
    refuses('not-a-time', () => encoding.parseTime(bad));
  }
  for (const fine of ['0001-01-01T00:00:00Z', '2000-02-29T23:59:59Z', '9999-12-31T23:59:59Z', '1969-12-31T23:59:59Z']) {
    assert.equal(encoding.formatTime(encoding.parseTime(fine)), fine);
  }
  for (const bad of [0.5, NaN, Infinity, 1e15, -1e12]) refuses('not-a-time', () => encoding.formatTime(bad));
  for (const bad of ['2026-09-07T00:00:00Z', '20260907', '2026-9-7', '', '2026-09-31', '0000-01-01']) {
    refuses('not-a-date', () => encoding.parseDate(bad));
  }
});

test('text is UTF-8 and nothing else', () => {
  for (const bad of ['ff', 'c080', 'eda080', 'f4908080', 'e282']) refuses('not-utf-8', () => text(fromHex(bad)));
  assert.equal(text(fromHex('efbbbf61')), '\ufeffa');
});

test('what is no JSON value is not written', () => {
  for (const bad of [undefined, 1n, 1.5, NaN, -0, Symbol('a'), () => 1]) {
    refuses('not-canonical-type', () => canonical(bad));
    refuses('not-canonical-type', () => canonical({ a: [bad] }));
  }
  refuses('bad-field-name', () => canonical({ A: 1 }));
  refuses('integer-too-large', () => canonical(2 ** 53));
  refuses('too-deep', () => canonical([[[[[[[[[]]]]]]]]]));
});

test('a hash is that of the bytes', () => {
  assert.equal(encoding.digestText(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(toHex(encoding.sha256(utf8('abc'))), encoding.digestText('abc'));
  assert.equal(encoding.sha256hex(utf8('abc')), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
