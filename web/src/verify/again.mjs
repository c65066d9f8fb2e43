/** The draw made again from what the file carries (specs/verification.md §6). */

import { CannotTell, CheckFails } from '../core/errors.mjs';
import { drawLots } from '../core/draw.mjs';
import { drawKey } from '../core/tickets.mjs';
import { readCarried } from './carried.mjs';
import { exclusionsOfFile, pulsesOf, recusalsOf } from './inputs.mjs';
import { embargoKey, openedKey, seedsOf } from './promises.mjs';
import { randomnessOf } from './sources.mjs';

/** The key of the draw (specs/tickets.md §1); an opening that says another one is false. */
export const keyOf = (kase) =>
  kase.once('key', () => {
    const { announcement, history } = kase;
    const key = drawKey({
      kind: 'announcement',
      hash: announcement.hash,
      seeds: seedsOf(kase, announcement, history),
      pulses: pulsesOf(kase),
      embargo: embargoKey(kase),
    });
    const opened = openedKey(kase);
    if (opened !== null && opened !== key) throw new CheckFails('another-key', { expected: key, found: opened });
    return key;
  });

/** What the draw gives. */
export const outcomeOf = (kase) => kase.once('outcome', () => drawWith(kase, kase.announced, keyOf(kase)));

/** What another announcement of the same plan, registries and lists would have given under these pulses. */
export function drawUnder(kase, announcement, pulses, history) {
  const key = drawKey({
    kind: 'announcement',
    hash: announcement.hash,
    seeds: seedsOf(kase, announcement, history),
    pulses: randomnessOf(kase, announcement, pulses, history),
    embargo: null,
  });
  return drawWith(kase, announcement.statement, key);
}

const drawWith = (kase, announcement, key) =>
  drawLots({
    announcement,
    plan: kase.plan.statement,
    objects: kase.rosters.objects.rows,
    inspectors: kase.rosters.inspectors.rows,
    recusals: recusalsOf(kase),
    exclusions: exclusionsOfFile(kase),
    key,
  });

/** The result list that the file carries. */
export const carriedResult = (kase) =>
  kase.once('carried-result', () => {
    if (kase.draw === null) throw new CannotTell('no-draw');
    const bytes = kase.carried(kase.draw.statement.results.digest);
    return readCarried(bytes, kase.announced.disclosure.kind === 'until');
  });
