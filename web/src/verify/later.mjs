/** What was logged about a draw beside its result, and whether it bends it (specs/verification.md §4.4, no. 23). */

import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { wrongRole } from '../core/roles.mjs';
import { readEntry } from '../core/statement.mjs';
import { judgeCalls } from './calls.mjs';
import { noteDeeds } from './deeds.mjs';
import { digestsIn, inputsOf } from './opening.mjs';
import { rulesOf } from './rules.mjs';
import { wholeLog } from './wholelog.mjs';

/** The types of statements that are acts about a draw, with what names the statement that each is about. */
const ABOUT = new Map([
  ['sign-off', ({ of }) => of],
  ['substitution-call', ({ draw }) => draw],
  ['substitution', ({ call }) => call],
  ['deferral', ({ draw }) => draw],
  ['exception', ({ draw }) => draw],
  ['evidence', ({ of }) => of],
  ['result', ({ draw }) => draw],
  ['correction', ({ result }) => result],
  ['objection', ({ of }) => of],
  ['answer', ({ objection }) => objection],
  ['opening', ({ of }) => of],
  ['void', ({ announcement }) => announcement],
]);

/** The artifacts that acts name: whoever brings a log has them at hand before a verification asks. */
export function artifactsOf(entries) {
  const digests = new Set();
  for (const bytes of entries) {
    const statement = statementOf(bytes);
    if (statement !== null && ABOUT.has(statement.type)) for (const digest of digestsIn(statement)) digests.add(digest);
  }
  return digests;
}

function statementOf(bytes) {
  try {
    return bytes === null ? null : readEntry(bytes).statement;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** Whether nothing later bends the draw. */
export function laterActs(kase) {
  const { announcement, asOf } = kase;
  const { history, size } = wholeLog(kase);
  const acts = kase.once('acts', () => actsOf(kase, history));
  const voids = acts.filter(({ statement }) => statement.type === 'void');
  const voided = voids.find(({ statement }) => statement.announcement.text === announcement.hash);
  if (voided) throw new CheckFails('voided', { index: voided.index });
  const evidence = { acts: acts.map(({ index, statement }) => [statement.type, index]), as_of: asOf, size };
  if (kase.draw === null) return evidence; // without a result there is nothing to bend
  const orphans = orphansOf(kase, history);
  if (kase.known('outcome') === null) {
    const unchecked = [...acts, ...orphans]
      .filter(({ statement: { type } }) => type === 'substitution-call' || type === 'substitution')
      .map(({ index }) => index);
    if (unchecked.length > 0) throw new CannotTell('substitution-not-checked', { index: Math.min(...unchecked) });
    return evidence;
  }
  if (orphans.length > 0) throw new CheckFails('substitution-without-call', { index: orphans[0].index });
  const final = judgeCalls(kase, acts);
  noteDeeds(kase, acts, final);
  kase.once('final', () => final);
  return { ...evidence, substitutions: final.substitutions };
}

/**
 * The acts about this draw in log order: what names it or its announcement, what names one of those, withdrawals of its
 * artifacts. Those by the wrong role count for nothing, and are found.
 */
function actsOf(kase, history) {
  const named = new Set([kase.announcement.hash, ...(kase.draw ? [kase.draw.hash] : [])]);
  const digests = inputsOf(kase, history.byText);
  const rules = rulesOf(kase);
  return history.counted.filter((item) => {
    const { statement } = item;
    const about = ABOUT.get(statement.type)?.(statement);
    const concerns = statement.type === 'withdrawal' ? digests.has(statement.digest) : about && named.has(about.text);
    if (!concerns) return false;
    const wrong = wrongRole(statement, kase.trust, rules);
    if (wrong !== null) {
      const { cite, ...told } = wrong;
      kase.find('wrong-role', { article: cite, index: item.index, ...told });
      return false;
    }
    named.add(item.hash);
    return true;
  });
}

/** The substitutions of the bureau's, for whatever draw, that follow no call: each may stand for any. */
const orphansOf = (kase, history) =>
  history.byBureau('substitution').filter(({ index, statement }) => {
    const call = history.byText.get(statement.call.text);
    return !(
      call &&
      call.objection === null &&
      call.statement.type === 'substitution-call' &&
      call.index < index &&
      wrongRole(call.statement, kase.trust, null) === null
    );
  });

/** The teams after all substitutions and special teams; none where nobody can tell. */
export function finalTeams(kase) {
  const final = kase.draw === null ? null : kase.known('final');
  return final === null ? [] : final.order.map((no) => [no, final.teams.get(no)]);
}
