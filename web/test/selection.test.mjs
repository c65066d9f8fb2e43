/** specs/selection.md §5, and tickets in bulk against tickets one by one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refusal } from '../src/core/errors.mjs';
import { Lots } from '../src/core/lots.mjs';
import { select } from '../src/core/selection.mjs';
import { ticket } from '../src/core/tickets.mjs';
import { runVectors } from './vectors.mjs';

runVectors('selection', ({ key, strata, drawn, cutoffs }) => {
  const made = select(key, strata);
  const told = made.drawn.map((each) => [each.ticket, each.no, each.strata]);
  if (JSON.stringify(told) !== JSON.stringify(drawn)) throw new Refusal('selection-differs');
  if (JSON.stringify(made.cutoffs) !== JSON.stringify(cutoffs)) throw new Refusal('cutoff-differs');
});

test('lots are the tickets of specs/tickets.md, whatever their number and length', () => {
  const key = 'a426042b0bb924f6bf751d38e8b185faa808db77abe828f38b35e5be184905fe';
  const lots = new Lots(key);
  for (const count of [0, 1, 2, 5, 300, 301]) {
    const numbers = Array.from({ length: 300 }, (_, i) => `H-${i}`.padEnd(1 + ((7 * i) % 40), 'x').slice(0, 40));
    const byTicket = numbers.map((no, i) => [ticket(key, 'team', 0, 12, 'o'.repeat(40), no), i]).sort();
    assert.deepEqual(
      lots.smallest(count, 'team', [0, 12, 'o'.repeat(40)], numbers).map((i) => numbers[i]),
      byTicket.slice(0, count).map(([, i]) => numbers[i]),
    );
  }
});
