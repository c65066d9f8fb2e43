/** The reader's own trust file, remembered in this browser; or, for want of one, the file that the server offers. */

import { fromBase64, toBase64 } from '../core/encoding.mjs';
import { forget, keep, recall } from './memory.mjs';

const KEY = 'fairdraw-trust';

/** The trust file kept in this browser, `{bytes, name, since}`, or null. */
export function keptTrust() {
  try {
    const { name, since, data } = JSON.parse(recall(KEY));
    return { bytes: fromBase64(data), name: String(name), since: String(since) };
  } catch {
    return null; // nothing was kept, or something else of this address wrote there
  }
}

/** Keep a trust file that was read and found to be one; say whether the browser did. */
export const keepTrust = ({ bytes, name }, today) =>
  keep(KEY, JSON.stringify({ name, since: today, data: toBase64(bytes) }));

export const forgetTrust = () => forget(KEY);
