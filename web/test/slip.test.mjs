/** Slips: what the report must say (specs/vectors/slip.json). */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fullCases, reportOf, summaryOf } from './files.mjs';
import { refuses } from './vectors.mjs';

for (const item of fullCases('slip')) {
  test(`slip: ${item.name}`, () => {
    if (item.verdict === undefined) return refuses(item.expect, () => reportOf(item));
    const report = reportOf(item);
    const { verdict, checks, findings, drawn } = item;
    assert.deepEqual(summaryOf(report), { verdict, checks, findings, drawn });
    if (item.final) assert.deepEqual(report.final, item.final);
    if (item.expect) assert.equal(report.checks.find(({ code }) => code === item.expect).state, 'fails');
  });
}
