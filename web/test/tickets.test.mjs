import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refusal } from '../src/core/errors.mjs';
import { drawKey, keyLines, ticket } from '../src/core/tickets.mjs';
import { runVectors } from './vectors.mjs';

runVectors('tickets', (item) => {
  if ('ticket' in item) {
    if (ticket(item.key, item.purpose, ...item.fields) !== item.ticket) throw new Refusal('ticket-differs');
    return;
  }
  const parts = {
    kind: item.statement,
    hash: item.text,
    seeds: item.seeds,
    pulses: item.pulses.map(([chain, round, randomness]) => ({ chain, round, randomness })),
    embargo: item.embargo,
  };
  if (drawKey(parts) !== item.key) throw new Refusal('key-differs');
  assert.deepEqual(keyLines(parts), item.lines);
});

test('the ticket that the specification computes in a shell', () => {
  const key = 'a426042b0bb924f6bf751d38e8b185faa808db77abe828f38b35e5be184905fe';
  assert.equal(ticket(key, 'object', 'H-000007'), '109b1faa095cfa7b9e5613bffca03320d5f538eea9d4918a07cc43b51abbdeed');
});
