/** specs/filter.md §6, and positions. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refusal } from '../src/core/errors.mjs';
import { checkFilter, filterHolds, parseFilter } from '../src/core/filter.mjs';
import { refuses, runVectors } from './vectors.mjs';

runVectors('filter', ({ filter: text, attrs, rows }) => {
  const filter = parseFilter(text);
  checkFilter(filter, attrs);
  for (const [row, holds] of rows) if (filterHolds(filter, row) !== holds) throw new Refusal('not-the-same');
});

test('a refusal names the character, counted by code points from 1', () => {
  const at = (text) => {
    try {
      parseFilter(text);
    } catch (error) {
      return [error.code, error.params.position];
    }
    return null;
  };
  assert.deepEqual(at('type = "😀" or'), ['filter-syntax', 14]);
  assert.deepEqual(at('type = "😀\t"'), ['filter-character', 10]);
  assert.deepEqual(at('type = "😀" and beds in 3..2'), ['filter-range', 24]);
  assert.deepEqual(at('beds = 12345678901234567'), ['filter-integer', 8]);
  assert.deepEqual(at(`${'not '.repeat(17)}beds >= 1`), ['filter-too-deep', 65]);
  assert.deepEqual(at('type = "e\u0301"'), ['filter-character', 9]);
  assert.deepEqual(at('type = "\ud800"'), ['filter-character', 9]);
  assert.equal(at('type = "😀"'), null);
});

test('strings of a set are sorted by code points, which UTF-16 would not do', () => {
  parseFilter('type in {"\uffee","😀"}');
  refuses('filter-not-canonical', () => parseFilter('type in {"😀","\uffee"}'));
});

test('a filter that a slip brings asks for no attribute that the row has not', () => {
  const attrs = Object.assign(Object.create(null), { beds: 1 });
  const texts = ['bed = null', 'constructor != 1', '"x" in to_string', 'bed >= 1', 'bed under "3"', 'bed in {1}'];
  for (const text of texts) {
    refuses('filter-unknown-attribute', () => filterHolds(parseFilter(text), attrs));
  }
});

test('however deep a text is, it is refused and breaks nothing', () => {
  for (const part of ['(', 'not ', '(not ']) refuses('filter-too-deep', () => parseFilter(part.repeat(300)));
  refuses('filter-too-long', () => parseFilter('('.repeat(2001)));
});
