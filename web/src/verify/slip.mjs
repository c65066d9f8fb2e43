/** The checks of one row's proof that differ from those of a bundle (specs/slip.md §3). */

import { readExclusions } from '../core/announcement.mjs';
import { canonical, fromBase64, fromHex, sha256hex, text } from '../core/encoding.mjs';
import { CheckFails } from '../core/errors.mjs';
import { checkInclusion, leafHash } from '../core/merkle.mjs';
import { strataOf } from '../core/quota.mjs';
import { readResultLine } from '../core/record.mjs';
import { checkOpening, readRosterLine } from '../core/snapshot.mjs';
import { ticket } from '../core/tickets.mjs';
import { keyOf } from './again.mjs';
import * as opening from './opening.mjs';
import { refusedAs } from './report.mjs';
import { checkNext, walkCarried } from './standing.mjs';

/** As of a bundle, and there is a draw. */
export function format(kase) {
  const { entries } = opening.format(kase);
  if (kase.file.draw === null) throw new CheckFails('no-draw', {});
  return { entries, no: kase.file.no };
}

/** Whether the bureau signed what is here, and nothing between announcement and draw is missing. */
export function bureauChain(kase) {
  const { announcement, draw } = kase;
  const bureaus = walkCarried(kase);
  const between = bureaus.filter(({ index }) => index >= announcement.index && index <= draw.index);
  between.forEach((item, i) => checkNext(between[i - 1], item, false));
  return { entries: bureaus.length };
}

/** Whether the row's snapshot is the signer's whose registry the plan names. */
export function snapshots(kase) {
  const { statement } = snapshotOf(kase);
  return { count: statement.roster.count, registry: statement.registry, root: statement.roster.root };
}

const snapshotOf = (kase) =>
  kase.once('snapshot', () => {
    const { announced, file, history, plan } = kase;
    if (plan.objection || plan.statement.by !== file.bureau) {
      throw new CheckFails('not-the-bureaus', { index: plan.index });
    }
    const named = namedSnapshots(announced, plan.statement, file);
    const { ref, by, registry } = named.find((one) => history.byText.has(one.ref.text)) ?? named[0];
    const item = history.follow(ref);
    const { statement } = item;
    if (statement.type !== 'snapshot' || statement.by !== by || item.objection) {
      throw new CheckFails('not-the-bureaus', { index: item.index, expected: by, found: statement.by });
    }
    if (statement.registry !== registry) {
      throw new CheckFails('wrong-registry', { index: item.index, expected: registry, found: statement.registry });
    }
    return item;
  });

/** The announced snapshots of the slip's registry: of objects one, of inspectors that of each department too. */
function namedSnapshots(announced, plan, { bureau, registry }) {
  if (registry === 'objects') return [{ ref: announced.objects, by: bureau, registry: plan.objects }];
  const departments = plan.joint
    .map(({ name, inspectors }, i) => ({ ref: announced.joint[i], by: name, registry: inspectors }))
    .filter(({ ref }) => ref !== undefined);
  return [{ ref: announced.inspectors, by: bureau, registry: plan.inspectors }, ...departments];
}

/** Whether the row stands in the snapshot, and the owner's fields fit its seal: whoever has another's slip sees it. */
export function rosters(kase) {
  const { no, own } = kase.file;
  rowOf(kase);
  const { statement } = snapshotOf(kase);
  for (const each of own) {
    if (each.no !== no) throw new CheckFails('opening-of-another', { expected: no, found: each.no });
    checkOpening(each, statement, rowOf(kase));
  }
  return { no, own: Object.fromEntries(own.map(({ field, value }) => [field, value])) };
}

const rowOf = (kase) =>
  kase.once('row', () => {
    const { no, row } = kase.file;
    const { statement } = snapshotOf(kase);
    const found = readRosterLine(lineOf(row, statement.roster), statement);
    if (found.no !== no) throw new CheckFails('row-of-another', { expected: no, found: found.no });
    return found;
  });

/** The line that a path leads to. The tree's size is the signed one: one root can be passed off under two sizes. */
function lineOf({ line, index, hashes }, { count, root }) {
  const bytes = fromBase64(line);
  refusedAs('path-does-not-fit', {}, () =>
    checkInclusion({ leaf: leafHash(bytes), index, size: count, path: hashes.map(fromHex), root: fromHex(root) }),
  );
  return text(bytes);
}

/** A line of the result list, of this kind. */
function resultLineOf(kase, path, drawn) {
  const line = lineOf(path, kase.draw.statement.results);
  const value = refusedAs('bad-result-line', {}, () => readResultLine(line));
  if ('ticket' in value !== drawn) throw new CheckFails('bad-result-line', { found: line });
  return value;
}

// --- selection -----------------------------------------------------------------------------------------------------

/** Whether the row's ticket, the cutoffs of its strata, and its being drawn or not agree. */
export function selection(kase) {
  const { draw, file } = kase;
  const key = keyOf(kase);
  const logged = draw.statement.key;
  if (logged !== null && logged !== key) throw new CheckFails('key-differs', { expected: key, found: logged });
  if (file.registry === 'inspectors') {
    if (file.strata.length > 0) throw new CheckFails('stratum-of-another', { found: file.strata.length });
    return { key };
  }
  const { strata, own, passedOver, drawnIn } = standingOf(kase);
  const drawn = file.teams.length > 0;
  const evidence = { cutoff: strata.map(({ item, cutoff }) => [item, cutoff]), drawn, ticket: own };
  if (drawn !== drawnIn.length > 0) throw new CheckFails('cutoff-contradicts', evidence);
  return { ...evidence, key, passed_over: !drawn && passedOver };
}

/** The row's ticket and strata, in which of them it is drawn, and whether the list excludes it from any. */
const standingOf = (kase) =>
  kase.once('standing', () => {
    const excluded = excludedItems(kase);
    const strata = ownStrata(kase);
    const own = ticket(keyOf(kase), 'object', kase.file.no);
    const isExcluded = ({ item }) => excluded.has(null) || excluded.has(item);
    const drawnIn = strata.filter((line) => line.cutoff !== null && own <= line.cutoff && !isExcluded(line));
    return { strata, own, drawnIn, passedOver: strata.some(isExcluded) };
  });

/** The items from which the announced list excludes the row; null stands for all. */
function excludedItems({ announced, file }) {
  const bytes = fromBase64(file.exclusions);
  const { digest, length } = announced.exclusions;
  const found = sha256hex(bytes);
  if (found !== digest || bytes.length !== length) throw new CheckFails('wrong-digest', { expected: digest, found });
  return new Set(readExclusions(bytes).filter(({ no }) => no === file.no).map(({ item }) => item));
}

/** The row's strata by the plan: one of each announced item whose filter lets it through. */
const spelledStrata = (kase) =>
  strataOf(kase.plan.statement, kase.announced.slots, rowOf(kase)).map((stratum) => canonical(stratum));

/** The lines of the row's own strata, one for each announced item whose filter lets it through. */
function ownStrata(kase) {
  const { file } = kase;
  const lines = file.strata.map((path) => resultLineOf(kase, path, false));
  const expected = spelledStrata(kase);
  const found = lines.map(({ item, stratum }) => canonical([item, stratum]));
  const other = found.find((stratum, i) => !expected.includes(stratum) || found.indexOf(stratum) < i);
  if (other !== undefined) throw new CheckFails('stratum-of-another', { expected, found });
  if (found.length < expected.length) throw new CheckFails('stratum-missing', { expected, found });
  return lines;
}

// --- assignment ----------------------------------------------------------------------------------------------------

/** Whether every team that the slip shows stands in the result list, and concerns the row. */
export function assignment(kase) {
  const { file } = kase;
  const key = keyOf(kase);
  const teams = file.teams.map((path) => {
    const line = resultLineOf(kase, path, true);
    const { no: object, ticket: found } = line;
    const expected = ticket(key, 'object', object);
    if (found !== expected) throw new CheckFails('ticket-differs', { object, expected, found });
    needOwn(kase, line);
    return line;
  });
  const places = new Set(file.teams.map(({ index }) => index));
  if (places.size < teams.length || (file.registry === 'objects' && teams.length > 1)) {
    throw new CheckFails('drawn-twice', { found: file.no });
  }
  return { teams: teams.map(({ no, team, experts }) => [no, [...team.map(([, inspector]) => inspector), ...experts]]) };
}

function needOwn(kase, { no, team, experts, strata }) {
  const { file } = kase;
  if (file.registry === 'inspectors') {
    const named = team.some(([, inspector]) => inspector === file.no) || experts.includes(file.no);
    if (!named) throw new CheckFails('row-of-another', { expected: file.no, found: no });
    return;
  }
  if (no !== file.no) throw new CheckFails('row-of-another', { expected: file.no, found: no });
  const expected = spelledStrata(kase);
  const found = strata.map((stratum) => canonical(stratum));
  if (found.some((stratum) => !expected.includes(stratum))) {
    throw new CheckFails('stratum-of-another', { expected, found });
  }
}
