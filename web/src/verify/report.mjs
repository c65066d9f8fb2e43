/** Checks in their order, and the verdict that follows from them (specs/verification.md §1, §8). */

import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';

/** What each verdict makes a command exit with; 2 is for files that cannot be read (specs/verification.md §8). */
export const EXIT_CODES = { holds: 0, fails: 1, unknown: 3 };

/**
 * @typedef {object} Check
 * @property {string} code of specs/verification.md §1
 * @property {string[]} needs the checks that are its ground
 * @property {(kase: object) => object} run returns what the check rests on, or throws why it does not hold
 *
 * @typedef {object} Result
 * @property {string} code
 * @property {'holds'|'fails'|'unknown'|'not-asked'} state
 * @property {string} reason
 * @property {string} depends the check that this one waits for
 * @property {object} evidence
 */

/**
 * Run the checks, each after its ground, and answer in their order.
 * @param {Check[]} checks
 * @param {{notAsked: Set<string>, progress: ((result: Result, done: number, of: number) => void)|null}} how
 * @returns {Result[]}
 */
export function runChecks(checks, kase, { notAsked, progress }) {
  const byCode = new Map(checks.map((check) => [check.code, check]));
  const results = new Map();
  const resultOf = (code) => {
    if (!results.has(code)) {
      const check = byCode.get(code);
      const asked = () => withoutGround(check, resultOf) ?? judge(check, kase);
      const result = notAsked.has(code) ? answer(code, 'not-asked') : asked();
      results.set(code, result);
      if (progress) progress(result, results.size, checks.length);
    }
    return results.get(code);
  };
  return checks.map(({ code }) => resultOf(code));
}

/** What the checks amount to. */
export function verdictOf(results) {
  const states = new Set(results.map((result) => result.state));
  if (states.has('fails')) return 'fails';
  return states.has('unknown') ? 'unknown' : 'holds';
}

/** The answer of a check whose ground does not hold: it waits for the first check that is to blame. */
function withoutGround(check, resultOf) {
  for (const need of check.needs) {
    const ground = resultOf(need);
    if (ground.state === 'holds') continue;
    return answer(check.code, 'unknown', { reason: 'depends', depends: ground.depends || need });
  }
  return null;
}

/**
 * Whatever the file gives must end in an answer: its maker shall not choose between "does not hold" and a verifier
 * that stops half-way. What is thrown otherwise is a fault of this program and goes on to whoever called.
 */
function judge(check, kase) {
  try {
    return answer(check.code, 'holds', { evidence: check.run(kase) });
  } catch (error) {
    if (error instanceof CannotTell) return answer(check.code, 'unknown', error);
    if (error instanceof CheckFails) return answer(check.code, 'fails', error);
    if (error instanceof Refusal) return answer(check.code, 'fails', { reason: error.code, evidence: error.params });
    throw error;
  }
}

const answer = (code, state, { reason = '', depends = '', evidence = {} } = {}) => ({
  code,
  state,
  reason,
  depends,
  evidence,
});

/** A refusal in one line, for evidence that says why something was refused. */
export function why(refusal) {
  const params = Object.entries(refusal.params).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [refusal.code, params.join(', ')].filter(Boolean).join(': ');
}

/** Do it, and let what is refused fail the check by this reason. */
export function refusedAs(reason, evidence, action) {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refusal) throw new CheckFails(reason, { ...evidence, why: why(error) });
    throw error;
  }
}
