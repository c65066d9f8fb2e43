/** Asking the desk each second. What has not changed is not drawn anew; a desk that is silent is said to be. */

import { setClock } from './time.mjs';

const BEAT = 1000; // milliseconds
const PATIENCE = 8000;

/**
 * Call `ask()` each second; `show(answer)` when it says something new, `lost(true)` when nothing was heard, and
 * `lost(false)` when there is an answer again. Returns a function that asks at once.
 */
export function poll(ask, show, lost) {
  let before = null;
  let timer = null;
  async function look() {
    clearTimeout(timer);
    try {
      const answer = await ask();
      lost(false);
      setClock(answer.now);
      const said = JSON.stringify({ ...answer, now: 0 });
      if (said !== before) {
        await show(answer);
        before = said; // what could not be shown is shown at the next beat
      }
    } catch (error) {
      if (!(error instanceof TypeError || error.name === 'TimeoutError')) throw error;
      lost(true);
    } finally {
      clearTimeout(timer);
      timer = setTimeout(look, BEAT);
    }
  }
  look();
  return look;
}

/** The JSON at a path of the desk's; an answer of another kind is as good as none. */
export async function get(path, headers = {}) {
  const response = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
  const answer = await response.json().catch(() => ({ error: { code: 'system' } }));
  return { ok: response.ok, status: response.status, answer };
}
