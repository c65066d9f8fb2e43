/** The sources of an announcement or a call: times, limit, and what they gave (specs/verification.md §5, no. 14). */

import { EVENTS, EVENTS_ID, LAST_TIME, RETIRED, checkPulse, roundTime } from '../core/beacon.mjs';
import { canonical, parseTime } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { readDefinition, readValues } from '../core/events.mjs';
import { checkDocument } from '../core/nist.mjs';
import { artifactOfPulse, chainOfSource, checkSources, lastDrand, namesArtifact } from '../core/randomness.mjs';
import { isSupervisor } from '../core/roles.mjs';

const SEEN_BY = 2; // supervisors who read the same numbers (specs/events.md §5)

/** When a source is due. Of a retired chain, or later than any time that can be written, it never will be. */
export function sourceTime({ trust }, source) {
  if (RETIRED.has(source.beacon)) throw new Refusal('retired-chain', { found: source.beacon });
  const time = roundTime(chainOfSource(source, trust.beacons), source.round);
  if (time > LAST_TIME) throw new Refusal('round-too-far', { expected: LAST_TIME, found: time });
  return time;
}

export const firstTime = (kase, { beacon }) => Math.min(...beacon.map((source) => sourceTime(kase, source)));
export const lastTime = (kase, { beacon }) => Math.max(...beacon.map((source) => sourceTime(kase, source)));

/** When the last of the sources can be known: of events not before their deadline. */
export const settledTime = (kase, statement) => Math.max(lastTime(kase, statement), deadlineOf(kase, statement));

/** The deadline of events, if there are any; a definition that cannot be had or read is what `pulse` fails by. */
function deadlineOf(kase, { beacon }) {
  const events = beacon.find((source) => source.beacon === EVENTS_ID);
  if (!events) return 0;
  try {
    return readDefinition(kase.document(events.hash)).deadline;
  } catch (error) {
    if (error instanceof Refusal || error instanceof CheckFails || error instanceof CannotTell) return 0;
    throw error;
  }
}

const marginOf = ({ trust }, { margin }) => Math.max(margin, trust.margin);

/** Before when whatever waits for the sources must be cosigned (specs/announcement.md §2). */
export const limitOf = (kase, statement) => firstTime(kase, statement) - marginOf(kase, statement);

/**
 * Refuse pulses that are not those of the announced rounds, or not genuine; return what each gave.
 *
 * @param {object} kase
 * @param {import('./keys.mjs').Item} item the announcement or the call
 * @param {object[]} pulses
 * @param {import('./history.mjs').History} history where values of events must have been closed and seen
 * @returns {{beacon: string, chain: string, round: number, randomness: string}[]}
 */
export function randomnessOf(kase, item, pulses, history) {
  const { statement } = item;
  if (pulses.length === 0) throw new CannotTell('pulse-missing');
  const told = ({ beacon, round }) => [beacon, round];
  const expected = statement.beacon.map(told);
  const found = pulses.map(told);
  if (canonical(expected) !== canonical(found)) throw new CheckFails('another-round', { expected, found });
  const { definition } = checkSources(statement.beacon, kase.trust.beacons, marginOf(kase, statement), (digest) =>
    kase.document(digest),
  );
  return statement.beacon.map((source, i) => {
    const chain = chainOfSource(source, kase.trust.beacons);
    const { beacon, hash, round } = source;
    return { beacon, chain: hash, round, randomness: gaveOf(kase, chain, item, pulses[i], definition, history) };
  });
}

function gaveOf(kase, chain, item, pulse, definition, history) {
  if (!namesArtifact(chain)) return checkPulse(chain, pulse.round, pulse);
  const digest = artifactOfPulse(pulse);
  const document = kase.document(digest);
  if (chain !== EVENTS) {
    return checkDocument(chain, pulse.round, { document, certificate: kase.document(chain.hash) });
  }
  const values = readValues(definition, document);
  checkSeen(kase, item, digest, values.missing.length > 0 ? definition.deadline : null, history);
  return values.randomness;
}

/**
 * That the bureau closed the values once, and that others saw the same, before a later source could be known
 * (specs/events.md §5).
 *
 * @param {number|null} deadline where something was not published
 */
function checkSeen(kase, item, digest, deadline, history) {
  const tells = ({ statement }) => statement.of.text === item.hash;
  const same = ({ statement }) => statement.files[0].digest === digest;
  const closed = history.byBureau('evidence').find(tells);
  if (!closed || !same(closed)) {
    throw new CheckFails('events-not-closed', { expected: digest, found: closed?.statement.files[0].digest ?? null });
  }
  const cosigners = new Set(item.statement.with);
  const seen = history
    .byOthers('evidence')
    .filter((other) => tells(other) && same(other) && isSupervisor(kase.trust, other.statement.by))
    .filter((other) => !cosigners.has(other.statement.by));
  const last = lastDrand(item.statement.beacon, kase.trust.beacons);
  // Whoever dates ahead says "not published" of what may still come: a checkpoint from before that date is none.
  const dated = (one) => (deadline === null ? 0 : parseTime(one.statement.time));
  if (last !== null && kase.trust.quorum === null) throw new CannotTell('no-quorum-line');
  const limit = last === null ? null : last - marginOf(kase, item.statement);
  const inTime = (one) => limit === null || history.obeysOrder(one.index, limit, dated(one));
  if (!inTime(closed)) throw new CheckFails('events-late', { index: closed.index, limit });
  needTwo('events-unseen', seen);
  const counts = needTwo('events-late', seen.filter(inTime));
  if (deadline === null) return;
  if (dated(closed) < deadline) throw new CheckFails('events-early', { index: closed.index });
  needTwo('events-early', counts.filter((one) => dated(one) >= deadline));
  if (last === null) throw new CheckFails('events-missing', {});
}

function needTwo(reason, seen) {
  const found = [...new Set(seen.map((one) => one.statement.by))];
  if (found.length < SEEN_BY) throw new CheckFails(reason, { expected: SEEN_BY, found });
  return seen;
}
