/** The registries that a draw is made from (specs/verification.md §5, no. 7 and 8; specs/announcement.md §5). */

import { canonical } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { isSupervisor, wrongRole } from '../core/roles.mjs';
import { checkOpening, readRoster } from '../core/snapshot.mjs';

const ROSTERS = 3 * 2 ** 28; // bytes that they may take in a bundle, in base64

// --- 7 snapshots ---------------------------------------------------------------------------------------------------

/** Whether the right snapshots were announced: of the plan's registries, and the newest of each. */
export function snapshots(kase) {
  const { announced, file } = kase;
  const plan = kase.plan.statement;
  needDepartments(kase, plan);
  const objects = newest(kase, announced.objects, plan.objects, file.bureau);
  const inspectors = newest(kase, announced.inspectors, plan.inspectors, file.bureau);
  const joint = plan.joint.map(({ name, inspectors: registry }, i) => newest(kase, announced.joint[i], registry, name));
  return Object.fromEntries([
    ['inspectors', toldOf(kase, inspectors)],
    ['objects', toldOf(kase, objects)],
    ...joint.map((item) => [item.statement.by, toldOf(kase, item)]),
  ]);
}

/** The departments of a joint draw sign its announcement, and bring their own registries. */
function needDepartments({ announced }, plan) {
  const expected = plan.joint.map(({ name }) => name);
  const found = announced.with.slice(0, expected.length);
  if (canonical(found) !== canonical(expected) || announced.joint.length !== expected.length) {
    throw new CheckFails('joint-differs', { expected, found });
  }
}

function newest(kase, ref, registry, by) {
  const { history, newestBelow, trust } = kase;
  const item = history.follow(ref);
  const { statement } = item;
  const isOwn = (other) =>
    other.objection === null &&
    other.statement.type === 'snapshot' &&
    other.statement.by === by &&
    wrongRole(other.statement, trust, null) === null;
  if (!isOwn(item)) {
    throw new CheckFails('not-the-bureaus', { index: item.index, expected: by, found: statement.by });
  }
  if (statement.registry !== registry) {
    throw new CheckFails('wrong-registry', { index: item.index, expected: registry, found: statement.registry });
  }
  const later = history.counted.find(
    (other) =>
      other.index > item.index &&
      other.index < newestBelow &&
      isOwn(other) &&
      other.statement.registry === registry,
  );
  if (later) throw new CheckFails('not-the-newest', { expected: later.index, found: item.index, registry });
  const receipts = receiptsOf(kase, item);
  if (receipts.length < trust.receipts) {
    throw new CheckFails('receipts-missing', { expected: trust.receipts, found: receipts, registry });
  }
  return item;
}

/** The supervisors who had this snapshot in hand before the announcement. */
function receiptsOf({ announced, history, trust }, { hash, statement }) {
  const receipts = history.byOthers('receipt').filter(
    (item) =>
      item.index < announced.history_size &&
      item.statement.snapshot.text === hash &&
      item.statement.digest === statement.roster.digest &&
      isSupervisor(trust, item.statement.by),
  );
  return [...new Set(receipts.map((item) => item.statement.by))];
}

const toldOf = (kase, item) => ({
  count: item.statement.roster.count,
  index: item.index,
  receipts: receiptsOf(kase, item),
  root: item.statement.roster.root,
});

// --- 8 rosters -----------------------------------------------------------------------------------------------------

/**
 * Whether the rosters are the logged ones, line by line, and the reader's openings fit their rows.
 *
 * Sets `rosters`: objects and inspectors, each with its rows and the attributes of its schema.
 */
export function rosters(kase) {
  const { announced, history, openings } = kase;
  const named = [announced.objects, announced.inspectors, ...announced.joint].map((ref) => history.follow(ref).statement);
  const left = leftOut(named.map(({ roster }) => roster));
  const [objects, own, ...joint] = named.map((statement) => rosterOf(kase, statement, left));
  const inspectors = together([own, ...joint]);
  for (const opening of openings) needRow(opening, [objects, own, ...joint]);
  kase.rosters = { objects, inspectors };
  return Object.fromEntries([
    ['inspectors', own.rows.length],
    ['objects', objects.rows.length],
    ['openings', openings.length],
    ...joint.map(({ statement, rows }) => [statement.by, rows.length]),
  ]);
}

/** The digests of the rosters that a bundle leaves out, the largest first (specs/bundle.md §4). */
export function leftOut(rosters) {
  const sizes = new Map(rosters.map(({ digest, length }) => [digest, Math.floor((length * 4) / 3)]));
  const left = [...sizes].sort(([, one], [, other]) => other - one);
  const out = new Set();
  while (left.reduce((sum, [, size]) => sum + size, 0) > ROSTERS) out.add(left.shift()[0]);
  return out;
}

function rosterOf(kase, statement, left) {
  const { digest } = statement.roster;
  if (!statement.published && !kase.artifacts.has(digest)) {
    throw new CannotTell('roster-not-published', { registry: statement.registry });
  }
  if (left.has(digest) && !kase.artifacts.has(digest)) {
    throw new CannotTell('roster-too-large', { registry: statement.registry });
  }
  return { statement, attrs: statement.attrs, rows: readRoster(kase.carried(digest), statement) };
}

/** The inspectors of all departments: of the same attributes, and no number in two registries. */
function together([own, ...others]) {
  const rows = [...own.rows];
  const numbers = new Set(own.rows.map(({ no }) => no));
  for (const other of others) {
    if (canonical(other.attrs) !== canonical(own.attrs)) {
      throw new Refusal('joint-schema-differs', { expected: own.attrs.map(([name]) => name) });
    }
    for (const row of other.rows) {
      if (numbers.has(row.no)) throw new Refusal('number-in-two-registries', { found: row.no });
      numbers.add(row.no);
      rows.push(row);
    }
  }
  if (others.length) rows.sort((a, b) => (a.no < b.no ? -1 : 1)); // numbers are ASCII
  return { attrs: own.attrs, rows };
}

/** Refuse an opening of the reader's that fits no row of any roster. */
function needRow(opening, all) {
  let refused = null;
  for (const { statement, rows } of all) {
    const row = rowOf(rows, opening.no);
    if (!row) continue;
    try {
      return checkOpening(opening, statement, row);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused ??= error;
    }
  }
  throw refused ?? new CheckFails('opening-of-no-row', { no: opening.no });
}

/** The row with a number, of rows that are sorted by it. */
function rowOf(rows, no) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].no < no) low = middle + 1;
    else high = middle;
  }
  return rows[low]?.no === no ? rows[low] : null;
}
