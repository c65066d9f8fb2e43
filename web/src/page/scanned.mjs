/**
 * The parts of a slip that were scanned so far. Each code opens the page anew, so the browser keeps them in between.
 */

import { readPart, readParts } from '../core/slipcode.mjs';
import { forget, keep, recall } from './memory.mjs';

const KEY = 'fairdraw-slip-parts';

/**
 * Add parts as codes have them. Returns `{file}` when all are there, else `{have, of}`. Parts of another slip replace
 * those that were kept: a reader scans one slip at a time. Throws Refusal.
 */
export function addParts(texts) {
  const fresh = texts.map(readPart);
  const newest = fresh[fresh.length - 1];
  const parts = new Map();
  for (const part of [...kept(), ...fresh]) if (part.n === newest.n && part.tag === newest.tag) parts.set(part.k, part);
  if (parts.size < newest.n) {
    keep(KEY, JSON.stringify([...parts.values()].map(written)));
    return { have: [...parts.keys()].sort((a, b) => a - b), of: newest.n };
  }
  forget(KEY); // a slip may carry its owner's fields: it does not stay here
  return { file: readParts([...parts.values()]) };
}

export const forgetParts = () => forget(KEY);

function kept() {
  try {
    return JSON.parse(recall(KEY)).map(readPart);
  } catch {
    return []; // nothing kept, or not by this page
  }
}

const written = ({ k, n, tag, digits }) => `z=${k}${n}${tag}${digits}`;
