/**
 * Why a file cannot be read, in the words of whoever chose it: not our kind, broken off, or newer than this page. Pure.
 */

const START = '{"announcement":'; // canonical JSON sorts field names, so every bundle and every slip begins with it
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The code of a sentence about bytes that are neither a bundle nor a slip. */
export function diagnosis(bytes) {
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    return 'file-not-a-proof';
  }
  if (!text.startsWith(START)) return 'file-not-a-proof';
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return 'file-cut';
  }
  if (Number.isSafeInteger(value.v) && value.v > 0) return 'file-newer';
  return 'file-altered';
}

/** What kind of file these bytes seem to be: `trust`, `openings` or `proof`. Each reader judges them for itself. */
export function kindOf(bytes) {
  const start = new TextDecoder().decode(bytes.subarray(0, 4096));
  const line = start.split('\n').find((one) => one.trim() && !one.trim().startsWith('#'));
  if (line?.trim().startsWith('fairdraw/trust')) return 'trust';
  if (start.startsWith('{"field":')) return 'openings';
  return 'proof';
}
