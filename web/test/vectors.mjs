/** The cases of specs/vectors, and how a test runs them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Refusal } from '../src/core/errors.mjs';

const folder = new URL('../../specs/vectors/', import.meta.url);

export const vectors = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

/** Run every case of a file: `run(case)` must succeed for the accepted ones, and fail with the code else. */
export function runVectors(name, run) {
  const { accept, refuse } = vectors(name);
  for (const item of accept) test(`${name}: ${item.name}`, () => run(item));
  for (const item of refuse) test(`${name} refuses: ${item.name}`, () => refuses(item.expect, () => run(item)));
}

/** Assert that this throws a Refusal with the code. */
export function refuses(code, act) {
  assert.throws(act, (error) => {
    if (!(error instanceof Refusal)) throw error;
    assert.equal(error.code, code);
    return true;
  });
}
