/** The checks of a bundle and of a slip, each with its ground (specs/verification.md §1, specs/slip.md §3). */

import { closedInputs, pulse } from './inputs.mjs';
import { laterActs } from './later.mjs';
import { appendOnly, format, logSignature, trust, witnessQuorum } from './opening.mjs';
import { disclosure, seed } from './promises.mjs';
import { rosters, snapshots } from './registries.mjs';
import { assignment, quotas, recordMatches, selection } from './result.mjs';
import { regulation } from './rules.mjs';
import * as slip from './slip.mjs';
import { firstOfSlot } from './slots.mjs';
import {
  announcementBeforePulse,
  announcementLogged,
  bureauChain,
  planBeforeSnapshots,
  recordLogged,
} from './standing.mjs';
import { noOtherDraw } from './wholelog.mjs';

const check = (code, needs, run) => ({ code, needs, run });

export const BUNDLE_CHECKS = [
  check('format', [], format),
  check('trust', ['format'], trust),
  check('log-signature', ['trust'], logSignature),
  check('witness-quorum', ['log-signature'], witnessQuorum),
  check('bureau-chain', ['log-signature'], bureauChain),
  check('plan-before-snapshots', ['witness-quorum', 'bureau-chain'], planBeforeSnapshots),
  check('snapshots', ['plan-before-snapshots'], snapshots),
  check('rosters', ['snapshots'], rosters),
  check('announcement-logged', ['bureau-chain'], announcementLogged),
  check('announcement-before-pulse', ['witness-quorum', 'announcement-logged'], announcementBeforePulse),
  check('first-of-slot', ['witness-quorum', 'rosters', 'announcement-logged'], firstOfSlot),
  check('closed-inputs', ['rosters', 'announcement-logged'], closedInputs),
  check('append-only', ['log-signature'], appendOnly),
  check('pulse', ['announcement-logged'], pulse),
  check('seed', ['witness-quorum', 'announcement-logged'], seed),
  check('disclosure', ['witness-quorum', 'announcement-logged'], disclosure),
  check('quotas', ['closed-inputs', 'disclosure'], quotas),
  check('selection', ['closed-inputs', 'pulse', 'seed', 'disclosure'], selection),
  check('assignment', ['closed-inputs', 'pulse', 'seed', 'disclosure'], assignment),
  check('record-logged', ['bureau-chain', 'announcement-logged'], recordLogged),
  check('record-matches', ['closed-inputs', 'pulse', 'seed', 'disclosure', 'record-logged'], recordMatches),
  check('no-other-draw', ['witness-quorum', 'bureau-chain', 'announcement-logged'], noOtherDraw),
  check('later-acts', ['witness-quorum', 'bureau-chain', 'announcement-logged'], laterActs),
  check('regulation', ['closed-inputs'], regulation),
];

const OF_THE_ROW = ['rosters', 'record-logged', 'pulse', 'seed', 'disclosure'];

/** A slip's own checks, and those that are the same. */
const SLIP = new Map(
  [
    check('format', [], slip.format),
    check('bureau-chain', ['log-signature'], slip.bureauChain),
    check('snapshots', ['bureau-chain'], slip.snapshots),
    check('rosters', ['snapshots'], slip.rosters),
    check('selection', OF_THE_ROW, slip.selection),
    check('assignment', OF_THE_ROW, slip.assignment),
  ].map((each) => [each.code, each]),
);

/** What a whole bundle alone can show. */
const NOT_OF_A_SLIP = new Set([
  'plan-before-snapshots',
  'first-of-slot',
  'closed-inputs',
  'quotas',
  'record-matches',
  'regulation',
]);

export const SLIP_CHECKS = BUNDLE_CHECKS.filter(({ code }) => !NOT_OF_A_SLIP.has(code)).map(
  (each) => SLIP.get(each.code) ?? each,
);
