/** Whether the published result is the one that the inputs make (specs/verification.md §6, no. 17 to 19 and 21). */

import { canonical, sha256hex, text } from '../core/encoding.mjs';
import { CheckFails, Refusal } from '../core/errors.mjs';
import { allocate } from '../core/quota.mjs';
import { differingFields, makeRecord } from '../core/record.mjs';
import { carriedResult, keyOf, outcomeOf } from './again.mjs';
import { exclusionsOfFile } from './inputs.mjs';
import { embargoKey } from './promises.mjs';

// --- 17 quotas -----------------------------------------------------------------------------------------------------

/** The strata with their quotas, and the legal floors. */
export const strataOf = (kase) =>
  kase.once('strata', () =>
    allocate({
      plan: kase.plan.statement,
      slots: kase.announced.slots,
      roster: kase.rosters.objects,
      exclusions: exclusionsOfFile(kase),
    }),
  );

/** Whether every stratum has its quota. */
export function quotas(kase) {
  const { strata } = strataOf(kase);
  const { strata: lines } = carriedResult(kase);
  const expected = strata.map(({ item, values, total, base, eligible, quota, derivation }) =>
    canonical([item, values, total, base, eligible.length, quota, derivation]),
  );
  const found = lines.map(({ item, stratum, total, base, eligible, quota, derivation }) =>
    canonical([item, stratum, total, base, eligible, quota, derivation]),
  );
  const line = firstDifference(expected, found);
  if (line !== null) {
    throw new CheckFails('quota-differs', { line, expected: expected[line] ?? null, found: found[line] ?? null });
  }
  return { drawn: strata.reduce((sum, { quota }) => sum + quota, 0), strata: strata.length };
}

function firstDifference(a, b) {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return null;
}

// --- 18 selection --------------------------------------------------------------------------------------------------

/** Whether exactly those are drawn who should be. */
export function selection(kase) {
  const { drawn, cutoffs } = outcomeOf(kase).selection;
  const { drawn: lines, strata } = carriedResult(kase);
  const told = ({ no, ticket }) => `${no} ${ticket}`;
  if (firstDifference(drawn.map(told), lines.map(told)) !== null) {
    const expected = new Set(drawn.map(({ no }) => no));
    const found = new Set(lines.map(({ no }) => no));
    throw new CheckFails('selection-differs', {
      left_out: [...expected].filter((no) => !found.has(no)),
      not_drawn: [...found].filter((no) => !expected.has(no)),
    });
  }
  const line = firstDifference(cutoffs, strata.map(({ cutoff }) => cutoff));
  if (line !== null) {
    const found = strata[line]?.cutoff ?? null;
    throw new CheckFails('cutoff-differs', { line, expected: cutoffs[line] ?? null, found });
  }
  return { drawn: drawn.length, key: keyOf(kase) };
}

// --- 19 assignment -------------------------------------------------------------------------------------------------

/** Whether the teams are those drawn. */
export function assignment(kase) {
  const { assignment: matched } = outcomeOf(kase);
  const { drawn: lines } = carriedResult(kase);
  for (const { no, team, experts, attempt, eligible } of lines) {
    const made = {
      team: matched.teams.get(no) ?? [], // nobody comes to an object that was not drawn
      experts: matched.experts.get(no) ?? [],
      attempt: matched.attempts.get(no) ?? 0,
      eligible: matched.eligible.get(no) ?? 0,
    };
    if (canonical(made) !== canonical({ team, experts, attempt, eligible })) {
      const members = (pairs) => pairs.map(([, inspector]) => inspector);
      throw new CheckFails('team-differs', {
        attempt: made.attempt,
        expected: members(made.team),
        experts: made.experts,
        found: members(team),
        object: no,
      });
    }
  }
  needAttempts(kase.draw.statement, matched);
  const attempts = matched.blocks.reduce((most, [, attempt]) => Math.max(most, attempt + 1), 1);
  return { attempts, teams: lines.length };
}

/** Where the result is sealed, the statement says nothing of its attempts. */
function needAttempts({ blocks, pool }, matched) {
  if (blocks === null) return;
  if (canonical(blocks) !== canonical(matched.blocks)) {
    throw new CheckFails('attempts-differ', { expected: matched.blocks, found: blocks });
  }
  if (pool !== matched.pool) throw new CheckFails('attempts-differ', { expected: matched.pool, found: pool });
}

// --- 21 record-matches ---------------------------------------------------------------------------------------------

/** Whether the record is, byte for byte, that which the inputs make. */
export function recordMatches(kase) {
  const { announcement, draw } = kase;
  const { results, pulses } = draw.statement;
  const made = makeRecord({
    announcement,
    pulses,
    key: keyOf(kase),
    embargo: embargoKey(kase),
    outcome: outcomeOf(kase),
  });
  const bytes = kase.carried(results.digest);
  if (bytes.length !== results.length || sha256hex(bytes) !== results.digest) {
    throw new CheckFails('result-list-altered', difference(made.artifact, bytes));
  }
  const fields = differingFields(draw.statement, made.statement);
  if (fields.length > 0) throw new CheckFails('record-differs', { fields });
  return { results: results.digest };
}

/** The first line in which what is carried differs from what the inputs make. */
function difference(artifact, bytes) {
  const expected = artifact.split('\n');
  const found = readable(bytes).split('\n');
  const line = firstDifference(expected, found);
  return line === null ? {} : { line, expected: expected[line] ?? null, found: found[line] ?? null };
}

function readable(bytes) {
  try {
    return text(bytes);
  } catch (error) {
    if (error instanceof Refusal) return '';
    throw error;
  }
}

// --- the report ----------------------------------------------------------------------------------------------------

/** What the verifier drew itself, whatever was published: each object with its team. */
export function drawnTeams(kase) {
  const outcome = kase.known('outcome');
  if (outcome === null) return [];
  const { selection: made, assignment: matched } = outcome;
  return made.drawn.map(({ no }) => [no, matched.teams.get(no).map(([, inspector]) => inspector)]);
}
