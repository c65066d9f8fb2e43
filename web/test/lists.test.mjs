/** The list artifacts of specs/vectors/lists.json: recusals, exclusions, items, openings, results. */

import assert from 'node:assert/strict';

import { readExclusions, readRecusals } from '../src/core/announcement.mjs';
import { utf8 } from '../src/core/encoding.mjs';
import { readItems } from '../src/core/itemlist.mjs';
import { readResultList, readSealedResult } from '../src/core/record.mjs';
import { readOpenings } from '../src/core/snapshot.mjs';
import { runVectors } from './vectors.mjs';

const pairs = (rows) => [...new Set(rows.map(({ object, inspector }) => JSON.stringify([object, inspector])))];
const results = ({ strata, drawn }) => [...strata.map((line) => [line.item, line.stratum]), ...drawn.map(({ no }) => no)];

const READERS = {
  recusals: (bytes) => pairs(readRecusals(bytes)).sort().map((pair) => JSON.parse(pair)),
  exclusions: (bytes) => readExclusions(bytes).map(({ item, no, reason }) => [item, no, reason]),
  items: (bytes) => readItems(bytes).map(({ id }) => id),
  openings: (bytes) => readOpenings(bytes).map(({ no, field }) => [no, field]),
  results: (bytes) => results(readResultList(bytes)),
  sealed: (bytes) => results(readSealedResult(bytes)),
};

runVectors('lists', ({ kind, list, says }) => {
  assert.deepEqual(READERS[kind](utf8(list)), says);
});
