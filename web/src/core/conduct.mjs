/**
 * What a regulation allows of the acts after a draw (specs/acts.md §7). Faults are as in `compliance.mjs`.
 *
 * The last day to publish is not looked at: it takes a table of working days.
 */

import { MACHINE_REASONS } from './compliance.mjs';

/** The result under which non-cooperation is published. */
const OBSTRUCTED = 'obstructed';
const FEN = 100;

const fault = (code, cite, where, expected, found) => ({ fault: code, cite, where, expected, found });

/** Where a regulation has lists, a code is on one of them; where it has none, any will do. */
function unlisted(regulation, fields, found, code, where = '') {
  const entries = fields.flatMap((field) => regulation[field]);
  if (entries.length === 0 || entries.some((entry) => entry.code === found)) return [];
  return [
    fault(
      code,
      entries[0].cite,
      where,
      entries.map((entry) => entry.code),
      found,
    ),
  ];
}

/** The faults of a substitution call. */
export function callFaults(regulation, { reason }) {
  const faults = unlisted(
    regulation,
    ['substitution_reasons', 'recusal_reasons'],
    reason,
    'substitution-reason-unknown',
  );
  const { substitution } = regulation;
  if (substitution !== null && !substitution.value.fresh) {
    faults.push(fault('substitution-not-foreseen', substitution.cite, '', null, null));
  }
  return faults;
}

/** The faults of a deferral. */
export const deferralFaults = (regulation, { reason }) =>
  unlisted(regulation, ['deferral_reasons'], reason, 'deferral-reason-unknown');

/**
 * The faults of an exception.
 *
 * @param {object} regulation
 * @param {{reason: string, draw: object|null}} statement
 * @param {{inspectors: string[], items: string[]}} inspection the act that it names
 * @param {string[]|null} listed items of the logged list, null where it is not at hand
 */
export function exceptionFaults(regulation, { reason, draw }, { inspectors, items }, listed) {
  const { special_team: special, team, list_only: listOnly } = regulation;
  const faults = [];
  if (draw === null) faults.push(...unlisted(regulation, ['exceptions'], reason, 'exception-reason-unknown'));
  else if (special?.value !== true) {
    faults.push(fault('special-team-not-foreseen', special?.cite ?? [], '', null, reason));
  }
  if (team !== null && inspectors.length < team.value) {
    faults.push(fault('team-too-small', team.cite, '', team.value, inspectors.length));
  }
  if (listOnly?.value === true && listed !== null) {
    for (const item of items) {
      if (!listed.includes(item))
        faults.push(fault('item-outside-list', listOnly.cite, item, [...listed].sort(), item));
    }
  }
  return faults;
}

/**
 * The faults of an outcome.
 *
 * @param {object} regulation
 * @param {object} line of `readOutcomes`, none that closes its object
 * @param {object[]} earlier the outcomes of the object that were logged before, in whatever year
 */
export function outcomeFaults(regulation, line, earlier) {
  const on = (field, found, code, where) => (found === null ? [] : unlisted(regulation, [field], found, code, where));
  return [
    ...on('methods', line.method, 'method-unknown', 'method'),
    ...on('results', line.result, 'result-unknown', 'result'),
    ...line.transfers.flatMap((one) => on('transfers', one, 'transfer-unknown', 'transfers')),
    ...on('publication_exceptions', line.withheld, 'withheld-reason-unknown', 'withheld'),
    ...line.leniency.flatMap((one) => leniencyFaults(regulation, one, earlier)),
    ...line.noncooperation.flatMap(([, act]) =>
      on('noncooperation_acts', act, 'noncooperation-unknown', 'noncooperation'),
    ),
    ...silenceFaults(regulation, line, earlier),
  ];
}

/** Leniency is on a list of the regulation, on one of its grounds, and within it. */
function leniencyFaults({ leniency }, { list, number, ground, finding, amount }, earlier) {
  const where = `${list}/${number}`;
  const entry = leniency.find((one) => one.list === list && one.number === number);
  if (!entry) {
    const known = leniency.map((one) => `${one.list}/${one.number}`);
    return [fault('leniency-unknown', leniency[0]?.cite ?? [], 'leniency', known, where)];
  }
  const allowed = entry.grounds.find(({ code }) => code === ground);
  if (!allowed)
    return [
      fault(
        'ground-unknown',
        entry.cite,
        where,
        entry.grounds.map(({ code }) => code),
        ground,
      ),
    ];
  if (ground === 'amount-below') {
    const limit = allowed.value * FEN;
    if (amount === null || amount >= limit) return [fault('amount-too-large', entry.cite, where, limit, amount)];
  }
  if (ground === 'first-found') {
    const [first] = earlier
      .filter(({ findings }) => findings.includes(finding))
      .map(({ checked }) => checked)
      .sort();
    if (first) return [fault('found-before', entry.cite, where, finding, first)];
  }
  return [];
}

/** So many acts of non-cooperation are published as such, if that is a result. */
function silenceFaults({ noncooperation, results }, line, earlier) {
  if (noncooperation === null || !results.some(({ code }) => code === OBSTRUCTED)) return [];
  if (noncooperationsOf(noncooperation.value.per, line, earlier) < noncooperation.value.times) return [];
  if (line.result === OBSTRUCTED || line.noncooperation.length === 0) return [];
  return [fault('noncooperation-not-published', noncooperation.cite, 'result', OBSTRUCTED, line.result)];
}

/** How many acts count: those of the task, or with earlier ones of the calendar year in which its check ended. */
function noncooperationsOf(per, line, earlier) {
  if (per === 'task') return line.noncooperation.length;
  const year = line.checked.slice(0, 4);
  const before = earlier.flatMap(({ noncooperation }) => noncooperation).filter(([date]) => date.startsWith(year));
  return line.noncooperation.length + before.length;
}

/** Whether a reason to void is one that the plan announced, or one that a machine checks (specs/acts.md §7). */
export const voidAllowed = (plan, reason) => plan.voids.includes(reason) || MACHINE_REASONS.includes(reason);
