/** What stands behind the `#` of an address. It never leaves the device: no server learns who checks what. */

const NAMED = /^([0-9a-f]{64})(?:\.([A-Za-z0-9._:-]{1,40}))?$/;
const PART = /^z=[0-9]+$/;
const PARTS = /#(z=[0-9]+)/g;

/**
 * Read a fragment: `{hash, no}` (the code on a paper: which draw, and whose number, or null), `{part}` (a part of a
 * slip, specs/slip.md §6), `{bad: true}` for one of another form, null for none.
 */
export function readFragment(fragment) {
  const text = fragment.replace(/^#/, '');
  if (!text) return null;
  const named = NAMED.exec(text);
  if (named) return { hash: named[1], no: named[2] ?? null };
  if (PART.test(text)) return { part: text };
  return { bad: true };
}

/**
 * The parts of a slip in a text that somebody pasted: any number of scanned codes, with whatever stands around them.
 */
export const partsIn = (text) => [...text.matchAll(PARTS)].map(([, part]) => part);
