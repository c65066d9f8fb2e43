/** Who may sign what (specs/acts.md §1). */

/** Roles whose holders draw, decide or inspect with the bureau; everybody else of a trust file is a supervisor. */
const WITH_THE_BUREAU = new Set(['approver', 'contributor', 'department', 'inspecting-unit']);

const BUREAU = ['bureau'];
const OTHERS = [...WITH_THE_BUREAU, 'supervisor'];
const EVERYBODY = [...BUREAU, ...OTHERS];
const INSPECTING = ['bureau', 'inspecting-unit'];

/** The table of §1. A type that is not here is signed by the bureau alone. */
const SIGNERS = new Map([
  ['snapshot', ['bureau', 'department']],
  ['exception', INSPECTING],
  ['result', INSPECTING],
  ['correction', INSPECTING],
  ['answer', INSPECTING],
  ['sign-off', ['approver', 'department', 'inspecting-unit', 'supervisor']],
  ['objection', ['bureau', 'inspecting-unit', 'supervisor']],
  ['receipt', OTHERS],
  ['commitment', OTHERS],
  ['reveal', OTHERS],
  ['deposit', OTHERS],
  ['evidence', EVERYBODY],
  ['key', EVERYBODY],
  ['verifier-release', EVERYBODY],
  ['loss', EVERYBODY],
]);

/** What rules call any supervisor, here and in a regulation (specs/regulation.md §3.4). */
const SUPERVISORS = new Set(['supervisor', 'any']);

/** The word that the table has for this role: its own, or `supervisor`. */
const kindOf = (role) => (role === 'bureau' || WITH_THE_BUREAU.has(role) ? role : 'supervisor');

/** The role of a signer in the reader's own trust file: `bureau`, a word of the file, or null. */
export const roleOf = (trust, bureau, name) =>
  name === bureau ? 'bureau' : (trust.supervisors.get(name)?.role ?? null);

/** Whether the trust file has this name as a supervisor (specs/acts.md §1). */
export function isSupervisor(trust, name) {
  const role = trust.supervisors.get(name)?.role;
  return role !== undefined && !WITH_THE_BUREAU.has(role);
}

/**
 * Why a statement is by the wrong role and counts for nothing, or null.
 *
 * @param {object} statement
 * @param {import('./trust.mjs').Trust} trust
 * @param {object|null} regulation the one of the draw, if it names one
 * @returns {{type: string, name: string, expected: string[], found: string|null, cite: string[]}|null}
 */
export function wrongRole(statement, trust, regulation) {
  const role = roleOf(trust, statement.bureau, statement.by);
  const { roles, cite } = signersOf(statement.type, regulation);
  const wrong = (expected, found) => ({
    type: statement.type,
    name: statement.by,
    expected: [...expected].sort(),
    found,
    cite,
  });
  if (role === null || !roles.some((one) => holds(role, one))) return wrong(roles, role);
  if (statement.type === 'sign-off' && statement.role !== role) return wrong([statement.role], role);
  // The bureau beside it could say that the department's registry is its own.
  if (statement.type === 'snapshot' && role === 'department' && statement.with.length)
    return wrong(['department'], role);
  // One of those who draw could else drop whoever they like, and draw again.
  if (statement.type === 'substitution-call' && !statement.with.some((name) => isSupervisor(trust, name))) {
    return wrong(['supervisor'], null);
  }
  return null;
}

/** Whether who has this role is meant by a rule's word: the role itself, `supervisor`, or `any` of those. */
const holds = (role, word) => word === role || (SUPERVISORS.has(word) && kindOf(role) === 'supervisor');

/** Who may sign statements of a type, and the articles that say so where the regulation does. */
function signersOf(type, regulation) {
  const roles = SIGNERS.get(type) ?? BUREAU;
  if (regulation === null || (type !== 'result' && type !== 'correction')) return { roles, cite: [] };
  const duties = regulation.signers.filter(({ of }) => of === 'result');
  if (duties.length) return { roles: duties.map(({ role }) => role), cite: duties.flatMap(({ cite }) => cite) };
  const { separation } = regulation;
  if (separation?.value !== true) return { roles, cite: [] };
  return { roles: roles.filter((role) => role !== 'bureau'), cite: separation.cite };
}
