/**
 * The operator's token. It comes behind the `#`, which a browser sends to nobody, is taken out of the address at once, and
 * lives as long as this tab.
 */

import { get } from './polling.mjs';

const PLACE = 'fairdraw-ceremony';
const TOKEN = /^#[A-Za-z0-9_-]{32}$/;

/** Whether this tab has a token; one that stands in the address is taken from it. */
export function entered() {
  if (TOKEN.test(location.hash)) {
    sessionStorage.setItem(PLACE, location.hash.slice(1));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(PLACE) !== null;
}

export const forget = () => sessionStorage.removeItem(PLACE);

const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem(PLACE)}` });

/** The desk's state; an answer with `error` if the token is none of this ceremony's. */
export async function look() {
  const { status, answer } = await get('/desk', headers());
  if (status === 401 || status === 429) return { error: answer.error };
  if (answer.error) throw new TypeError(answer.error.code);
  return answer;
}

/** Ask the desk to do something. */
export async function act(told) {
  const response = await fetch('/act', {
    method: 'POST',
    headers: { ...headers(), 'Content-Type': 'application/json' },
    body: JSON.stringify(told),
    cache: 'no-store',
  });
  return { ok: response.ok, answer: await response.json() };
}
