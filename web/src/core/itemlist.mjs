/** The list of items that may be inspected (specs/compliance.md §2). */

import { compareText, parseText, splitLines, utf8 } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { checkItem } from './regulation.mjs';

const FORM = 'every item once, sorted by id, in canonical JSON';
const MAX_LINE = 65535; // bytes of an item, its legal basis included

/**
 * The items of a logged list.
 *
 * @param {Uint8Array} bytes
 * @returns {object[]} as specs/regulation.md §3.1 has them, sorted by id
 */
export function readItems(bytes) {
  let items;
  try {
    items = splitLines(bytes).map(readItem);
  } catch (error) {
    throw error instanceof Refusal ? bad(error.code) : error;
  }
  items.forEach((item, i) => {
    if (i > 0 && compareText(items[i - 1].id, item.id) >= 0) throw bad('another');
  });
  // What no law provides for must not be inspected (法律法规规章没有规定的，一律不得列入清单).
  const bare = items.find((item) => item.basis.length === 0);
  if (bare) throw new Refusal('item-without-basis', { found: bare.id });
  return items;
}

function readItem(line, i) {
  if (utf8(line).length > MAX_LINE) throw bad('too-long');
  const item = parseText(line);
  checkItem(item, `items.${i}`);
  return item;
}

const bad = (found) => new Refusal('bad-item-list', { expected: FORM, found });
