/**
 * 查我的编号: what a verified draw says of one number, as sentences (codes of the wording's section `page`) and numbers.
 * Pure; it asks the verification that has just been made, and computes nothing that a check has refused.
 */

import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { strataOf as strataOfRow } from '../core/quota.mjs';
import { select } from '../core/selection.mjs';
import { keyLines, ticket } from '../core/tickets.mjs';
import { keyOf, outcomeOf } from '../verify/again.mjs';
import { exclusionsOfFile, pulsesOf } from '../verify/inputs.mjs';
import { embargoKey, seedsOf } from '../verify/promises.mjs';
import { strataOf } from '../verify/result.mjs';
import { finalTeams } from './reading.mjs';

/**
 * @typedef {object} Answer
 * @property {string} no as the registry has it
 * @property {[string, object][]} sentences
 * @property {string} [key]
 * @property {string[]} [keyLines] the lines whose SHA-256 the key is
 * @property {string} [ticket]
 * @property {[string, string][]} [cutoffs] by item
 * @property {string[]} [team] who inspects, after all substitutions
 * @property {object} [own] the owner's fields, in the owner's slip
 */

/** What key and tickets rest on; a slip has no `closed-inputs`. */
const KEY_GROUND = ['closed-inputs', 'pulse', 'seed', 'disclosure'];

/** Return what answers for a number; a slip answers for its own number, whichever is asked. */
export const explainer = (kase, report) =>
  report.kind === 'slip' ? () => ofSlip(kase, report) : (no) => ofBundle(kase, report, no);

function ofBundle(kase, report, asked) {
  const { rosters } = kase;
  if (!rosters) return { no: asked, sentences: [['look-unpublished', { no: asked }]] };
  const { objects, inspectors } = rosters;
  const object = rowOf(objects.rows, asked);
  if (object) return ofObject(kase, report, object);
  const inspector = rowOf(inspectors.rows, asked);
  if (inspector) return ofInspector(kase, report, inspector.no);
  const counts = { objects: objects.rows.length, inspectors: inspectors.rows.length };
  return { no: asked, sentences: [['look-absent', { no: asked, ...counts }]] };
}

/** Numbers are unique whatever the case of their letters (specs/snapshot.md §3), and people type as they like. */
function rowOf(rows, asked) {
  const folded = asked.toUpperCase();
  return rows.find(({ no }) => no === asked) ?? rows.find(({ no }) => no.toUpperCase() === folded) ?? null;
}

function ofObject(kase, report, row) {
  const { no } = row;
  const strata = known(() => placesOf(kase, row));
  if (strata?.length === 0) return { no, sentences: [['look-outside', { no }]] };
  const shown = keyShown(kase, report);
  if (!shown.key || !strata) return { no, sentences: [unknown(no, shown)] };
  const own = ticket(shown.key, 'object', no);
  const { cutoffs } = kase.once('looked-up-selection', () => select(shown.key, strataOf(kase).strata));
  const cutoffOf = (place) => cutoffs[place];
  return {
    no,
    ...shown,
    ticket: own,
    cutoffs: strata.filter(({ place }) => cutoffOf(place)).map(({ stratum, place }) => [stratum.item, cutoffOf(place)]),
    sentences: strata.map(({ stratum, place, excluded }) =>
      outcome({ no, own, key: shown.key, stratum, cutoff: cutoffOf(place), excluded }),
    ),
    team: finalTeams(report).get(no) ?? [],
  };
}

/** The strata of a row, each with its place, and why the row is excluded from it. */
function placesOf(kase, row) {
  const { strata } = strataOf(kase);
  return strataOfRow(kase.plan.statement, kase.announced.slots, row).map(([item, values]) => {
    const key = JSON.stringify(values);
    const place = strata.findIndex((stratum) => stratum.item === item && stratum.key === key);
    const exclusion = exclusionsOfFile(kase).find(
      (each) => each.no === row.no && (each.item === null || each.item === item),
    );
    return { stratum: strata[place], place, excluded: exclusion?.reason ?? null };
  });
}

function outcome({ no, own, key, stratum, cutoff, excluded }) {
  const { item, eligible, quota } = stratum;
  if (excluded !== null) return ['look-excluded', { no, item, excluded }];
  if (cutoff === null) return ['look-none-drawn', { no, item }];
  let rank = 1;
  for (const other of eligible) {
    const theirs = ticket(key, 'object', other);
    if (theirs < own || (theirs === own && other < no)) rank++;
  }
  return [rank <= quota ? 'look-drawn' : 'look-not-drawn', { no, item, rank, eligible: eligible.length, quota }];
}

function ofInspector(kase, report, no) {
  const shown = keyShown(kase, report);
  const drawn = shown.key ? known(() => outcomeOf(kase)) : null;
  if (!drawn) return { no, sentences: [unknown(no, shown)] };
  const visits = [...finalTeams(report)].filter(([, team]) => team.includes(no)).map(([object]) => object);
  for (const [object, experts] of drawn.assignment.experts) if (experts.includes(no)) visits.push(object);
  return {
    no,
    ...shown,
    sentences: [visits.length ? ['look-inspects', { no, objects: visits }] : ['look-inspects-none', { no }]],
  };
}

/**
 * The key of the draw and the lines that make it; or nothing, where it is sealed, or a check refused a part: without
 * the embargo's line there would still be a key, of a draw that never was.
 */
function keyShown(kase, report) {
  const { announcement, history } = kase;
  const ground = report.checks.filter(({ code }) => KEY_GROUND.includes(code));
  const key = ground.every(({ state }) => state === 'holds') ? known(() => keyOf(kase)) : null;
  if (!key) return { sealed: ground.find(({ reason }) => reason === 'sealed-until')?.evidence.date ?? null };
  const parts = {
    kind: 'announcement',
    hash: announcement.hash,
    seeds: seedsOf(kase, announcement, history),
    pulses: pulsesOf(kase),
    embargo: embargoKey(kase),
  };
  return { key, keyLines: keyLines(parts) };
}

const unknown = (no, { sealed }) => (sealed ? ['look-sealed', { no, date: sealed }] : ['look-no-key', { no }]);

/**
 * The result as the verification made it, a line an object: `{no, team, experts, ticket}`. What a server shows as the
 * result is compared with it; null where there is none.
 */
export function resultOf(kase, report) {
  if (!report.drawn.length) return null;
  const { selection, assignment } = outcomeOf(kase);
  return selection.drawn.map(({ no, ticket: drawn }) => ({
    no,
    team: assignment.teams.get(no).map(([, inspector]) => inspector),
    experts: assignment.experts.get(no) ?? [],
    ticket: drawn,
  }));
}

/** What can be known, or null where the file does not give it. */
function known(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal || error instanceof CheckFails || error instanceof CannotTell) return null;
    throw error;
  }
}

function ofSlip(kase, report) {
  const { no, registry } = kase.file;
  const checks = new Map(report.checks.map((check) => [check.code, check]));
  const held = (code) => (checks.get(code)?.state === 'holds' ? checks.get(code).evidence : null);
  const row = held('rosters');
  if (!row) return { no, sentences: [] };
  const own = row.own && Object.keys(row.own).length ? row.own : null;
  const selected = held('selection');
  if (!selected) {
    const refused = checks.get('selection').state === 'fails'; // then the verdict says what there is to say
    return { no, own, sentences: refused ? [] : [unknown(no, keyShown(kase, report))] };
  }
  const teams = held('assignment')?.teams ?? [];
  if (registry === 'inspectors') {
    const objects = teams.map(([object]) => object);
    return {
      no,
      own,
      sentences: [objects.length ? ['look-inspects', { no, objects }] : ['look-slip-inspector', { no }]],
    };
  }
  const { ticket: mine, cutoff, passed_over: passedOver } = selected;
  const sentence = ([item, limit]) => {
    if (limit === null) return ['look-none-drawn', { no, item }];
    return [mine <= limit ? 'look-slip-drawn' : 'look-slip-not-drawn', { no, item }];
  };
  const sentences = passedOver && !selected.drawn ? [['look-slip-passed-over', { no }]] : cutoff.map(sentence);
  return {
    no,
    own,
    ...keyShown(kase, report),
    ticket: mine,
    cutoffs: cutoff.filter(([, limit]) => limit !== null),
    sentences: sentences.length ? sentences : [['look-outside', { no }]],
    team: teams.filter(([object]) => object === no).flatMap(([, team]) => team),
  };
}
