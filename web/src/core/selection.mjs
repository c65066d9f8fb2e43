/** Who is drawn (specs/selection.md). */

import { Lots } from './lots.mjs';
import { ticket } from './tickets.mjs';

/**
 * @typedef {{no: string, ticket: string, strata: number[]}} Drawn `strata`: places of the strata that it is drawn for
 */

/**
 * In every stratum the eligible with the smallest tickets; all of them together by (ticket, number).
 * @param {string} key in hex
 * @param {{eligible: string[], quota: number}[]} strata
 * @returns {{drawn: Drawn[], cutoffs: (string|null)[]}} the cutoff of each stratum beside
 */
export function select(key, strata) {
  const lots = new Lots(key);
  const drawn = new Map();
  const cutoffs = strata.map(({ eligible, quota }, place) => {
    let cutoff = null;
    for (const at of lots.smallest(quota, 'object', [], eligible)) {
      const no = eligible[at];
      // One ticket, whatever the item: several items are one visit.
      if (!drawn.has(no)) drawn.set(no, { no, ticket: ticket(key, 'object', no), strata: [] });
      drawn.get(no).strata.push(place);
      cutoff = drawn.get(no).ticket;
    }
    return cutoff;
  });
  const inOrder = (a, b) => (a.ticket < b.ticket || (a.ticket === b.ticket && a.no < b.no) ? -1 : 1);
  return { drawn: [...drawn.values()].sort(inOrder), cutoffs };
}
