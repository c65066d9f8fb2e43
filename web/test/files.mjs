/** The cases of bundle.json and slip.json, as specs/README.md §4 has them, and their reports. */

import { canonical, fromBase64, utf8 } from '../src/core/encoding.mjs';
import { verifyFile } from '../src/verify/index.mjs';
import { vectors } from './vectors.mjs';

/** Every case with all that it takes from the accepted one that it is like. */
export function fullCases(name) {
  const { accept, refuse } = vectors(name);
  const accepted = new Map(accept.map((item) => [item.name, item]));
  return [...accept, ...refuse].map((item) => completed(item, accepted));
}

/** What a case answers for is its own: one that cannot be read has no verdict, whatever the one that it is like has. */
const OWN = ['name', 'expect', 'reason', 'verdict', 'checks', 'findings', 'drawn'];

function completed(item, accepted) {
  if (item.like === undefined) return item;
  const { file, ...rest } = completed(accepted.get(item.like), accepted);
  for (const field of OWN) delete rest[field];
  return { ...rest, file: item.patch ? patched(file, item.patch) : file, ...item };
}

/** The value with a patch of RFC 6902 applied: `add`, `remove` and `replace`. */
function patched(value, patch) {
  const result = structuredClone(value);
  for (const { op, path, value: given } of patch) {
    const names = path.slice(1).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop();
    const parent = names.reduce((object, name) => object[name], result);
    if (op === 'remove') Array.isArray(parent) ? parent.splice(last, 1) : delete parent[last];
    else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : last, 0, given);
    else parent[last] = given;
  }
  return result;
}

export const bytesOf = ({ bytes, file }) => utf8(bytes ?? `${canonical(file)}\n`);

export const reportOf = (item, how = {}) =>
  verifyFile(bytesOf(item), utf8(item.trust), {
    asOf: item.as_of,
    bundleOnly: item.bundle_only ?? false,
    log: item.log === null ? null : logOf(item.log),
    openings: item.openings ? utf8(item.openings.map((opening) => `${canonical(opening)}\n`).join('')) : null,
    ...how,
  });

const logOf = ({ entries, checkpoints, frozen = null }) => ({
  entries: entries.map((entry) => (entry === null ? null : fromBase64(entry))),
  checkpoints: checkpoints.map(fromBase64),
  frozen: frozen === null ? null : fromBase64(frozen),
  artifact: () => null,
});

/** A report as the vectors tell it: of each check that does not hold its state and its reason, or what it waits for. */
export function summaryOf({ checks, drawn, findings, verdict }) {
  const told = checks.filter(({ state }) => state !== 'holds');
  return {
    verdict,
    checks: Object.fromEntries(told.map(({ code, state, reason, depends }) => [code, [state, depends || reason]])),
    findings: findings.map(({ code }) => code),
    drawn,
  };
}
