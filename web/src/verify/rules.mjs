/** Whether plan and announcement obey the regulation that they name (specs/verification.md §5, no. 24). */

import { announcementFaults, planFaults } from '../core/compliance.mjs';
import { canonical } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { checkFoundation } from '../core/genuine.mjs';
import { readItems } from '../core/itemlist.mjs';
import { readRegulation } from '../core/regulation.mjs';

/**
 * The announced regulation, or null.
 * @returns {{regulation: object, genuine: string|null}|null} `genuine`: the known one that it is or derives from
 */
const regulationOf = (kase) =>
  kase.once('regulation', () => {
    const named = kase.announced.regulation;
    if (named === null) return null;
    const regulation = readRegulation(kase.artifact(named));
    return { regulation, genuine: checkFoundation(regulation, (digest) => kase.artifacts.get(digest) ?? null) };
  });

/** The rules of the draw, as far as they can be read: who may sign depends on them, and `regulation` says why not. */
export function rulesOf(kase) {
  try {
    return regulationOf(kase)?.regulation ?? null;
  } catch (error) {
    if (error instanceof Refusal || error instanceof CheckFails || error instanceof CannotTell) return null;
    throw error;
  }
}

/** Whether the draw obeys its regulation, with every item on a list that was signed off. */
export function regulation(kase) {
  const named = regulationOf(kase);
  if (named === null) return { regulation: null };
  const { regulation: rules, genuine } = named;
  const plan = kase.plan.statement;
  const list = itemListOf(kase);
  const items = readItems(kase.artifact(list.statement.items));
  const faults = [...planFaults(rules, plan, items), ...announcementFaults(rules, kase.announced)];
  if (faults.length > 0) {
    const { fault, cite, where, expected, found } = faults[0];
    throw new CheckFails('against-regulation', { fault, article: cite, where, expected, found });
  }
  const reviewed = reviewersOf(kase, rules, list);
  return { digest: rules.digest, genuine, items: items.length, regulation: rules.id, reviewed };
}

/** The list of items that the plan names, logged before it under the same regulation. */
function itemListOf(kase) {
  const { file, history, plan } = kase;
  if (plan.statement.items === null) throw new CheckFails('item-list-missing', {});
  const list = history.follow(plan.statement.items);
  const { by, type, regulation: under } = list.statement;
  if (type !== 'item-list' || by !== file.bureau || list.objection) {
    throw new CheckFails('not-the-bureaus', { index: list.index, expected: 'item-list', found: type });
  }
  if (list.index >= plan.index || canonical(under) !== canonical(plan.statement.regulation)) {
    throw new CheckFails('item-list-of-another', { index: list.index });
  }
  return list;
}

/** The roles in which the list had to be signed off, each by a supervisor who has it (specs/regulation.md §3.4). */
function reviewersOf(kase, rules, list) {
  const duties = rules.sign_offs.filter(({ of }) => of === 'item-list');
  for (const { role, cite } of duties) {
    if (!signOffs(kase, list).some((found) => role === 'any' || found === role)) {
      throw new CheckFails('sign-off-missing', { of: 'item-list', role, article: cite });
    }
  }
  return duties.map(({ role }) => role);
}

/** The roles of those who signed the list off before the announcement, and before anybody could know what to sign. */
function signOffs({ announced, history, newestBelow, trust }, list) {
  const below = Math.min(announced.history_size, newestBelow);
  return history
    .byOthers('sign-off')
    .filter(({ index, statement }) => index < below && statement.of.text === list.hash)
    .filter(({ statement: { by, role } }) => trust.supervisors.get(by)?.role === role)
    .map(({ statement }) => statement.role);
}
