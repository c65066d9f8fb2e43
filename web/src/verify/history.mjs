/** Statements at their places in a log, and when witnesses saw them (specs/verification.md §2). */

import { CheckFails } from '../core/errors.mjs';
import { freshnessTime, orderTime } from '../core/trust.mjs';

/**
 * A checkpoint that is proven to be of the log's one history, with the cosignatures that count.
 * @typedef {object} Prefix
 * @property {number} size
 * @property {{witness: object, time: number}[]} cosignatures
 * @property {number|null} order specs/verification.md §2.2
 * @property {number|null} freshness specs/verification.md §2.3
 */

/** @returns {Prefix} */
export const prefixOf = (trust, size, cosignatures) => ({
  size,
  cosignatures,
  order: orderTime(trust, cosignatures),
  freshness: freshnessTime(trust, cosignatures),
});

/**
 * The statements that a file carries, or those of a whole log: one view, so that both are judged by the same rules.
 * Only what counts (keys.mjs) is found by its signer and type.
 */
export class History {
  /**
   * @param {import('./keys.mjs').Item[]} items by index, each text once
   * @param {{bureau: string, prefixes: Prefix[]}} about
   */
  constructor(items, { bureau, prefixes }) {
    this.items = items;
    this.bureau = bureau;
    this.prefixes = [...prefixes].sort((a, b) => a.size - b.size);
    this.earliest = suffixMinima(this.prefixes);
    this.byText = new Map(items.map((item) => [item.hash, item]));
    this.counted = items.filter((item) => item.objection === null);
    this.bureaus = this.counted.filter((item) => item.statement.by === bureau);
    this.others = this.counted.filter((item) => item.statement.by !== bureau);
    this.bureausByType = byType(this.bureaus);
    this.othersByType = byType(this.others);
  }

  /** The bureau's statements of a type, in log order. */
  byBureau(type) {
    return this.bureausByType.get(type) ?? [];
  }

  /** Everybody else's. */
  byOthers(type) {
    return this.othersByType.get(type) ?? [];
  }

  /** What a statement refers to, where it says that it stands. */
  follow(ref) {
    const item = this.byText.get(ref.text);
    if (!item) throw new CheckFails('entry-missing', { text: ref.text });
    if (item.index !== ref.index) {
      throw new CheckFails('wrong-index', { text: ref.text, expected: ref.index, found: item.index });
    }
    return item;
  }

  /**
   * The prefix that shows a statement earliest, by its order time; null if no quorum shows it.
   * @param {number} [from] prefixes with an earlier order time do not count
   */
  shown(index, from = 0) {
    const at = firstAbove(this.prefixes, index);
    if (from === 0) return this.earliest[at] ?? null;
    const late = this.prefixes.slice(at).filter(({ order }) => order !== null && order >= from);
    return late.reduce(earlier, null);
  }

  /** Whether a statement obeys Order: by one single prefix, for two halves of a quorum on two prove nothing. */
  obeysOrder(index, limit, from = 0) {
    const prefix = this.shown(index, from);
    return prefix !== null && prefix.order < limit;
  }

  /** Whether any witness at all is shown to have cosigned it before the limit (specs/verification.md §4.2). */
  seenInTime(index, limit) {
    return this.prefixes.some(
      ({ size, cosignatures }) => size > index && cosignatures.some(({ time }) => time > 0 && time < limit),
    );
  }
}

function byType(items) {
  const types = new Map();
  for (const item of items) {
    const { type } = item.statement;
    if (types.has(type)) types.get(type).push(item);
    else types.set(type, [item]);
  }
  return types;
}

/** The place of the first prefix that has the entry with this index. */
function firstAbove(prefixes, index) {
  let low = 0;
  let high = prefixes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (prefixes[middle].size > index) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The one with the smallest order time; of equal ones the first. */
function earlier(best, prefix) {
  if (prefix === null || prefix.order === null) return best;
  return best === null || prefix.order < best.order ? prefix : best;
}

/** At each place the earliest of the prefixes from there on. */
function suffixMinima(prefixes) {
  const minima = new Array(prefixes.length);
  let best = null;
  for (let i = prefixes.length - 1; i >= 0; i--) {
    // Of two with one time the earlier place, which is the smaller size, comes first.
    best = earlier(earlier(null, prefixes[i]), best);
    minima[i] = best;
  }
  return minima;
}
