#!/usr/bin/env node
/**
 * The second verifier at a command line:
 *
 *   node web/bin/verify.mjs FILE --trust TRUST [--log DIR] [--as-of TIME] [--bundle-only] [--openings FILE] [--json]
 *   node web/bin/verify.mjs --serve
 *
 * `--serve` answers one line of JSON for each line of JSON on its input, so that another implementation can be compared
 * with this one over many files. Exit codes are those of specs/verification.md §8.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { fromBase64, parseTime } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { readLog } from '../src/core/tiles.mjs';
import { artifactsOf, verifyFile } from '../src/verify/index.mjs';

const UNREADABLE = 2;
const USAGE =
  'usage: verify.mjs FILE --trust TRUST [--log DIR] [--as-of TIME] [--bundle-only] [--openings FILE] [--json]';

class UsageError extends Error {}

// --- one file ------------------------------------------------------------------------------------------------------

const OPTIONS = {
  trust: { type: 'string' },
  log: { type: 'string' },
  'as-of': { type: 'string' },
  'bundle-only': { type: 'boolean', default: false },
  openings: { type: 'string' },
  json: { type: 'boolean', default: false },
  serve: { type: 'boolean', default: false },
};

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.serve) return serve();
  if (positionals.length !== 1 || values.trust === undefined) throw new UsageError(USAGE);
  const report = verifyFile(readFileSync(positionals[0]), readFileSync(values.trust), {
    asOf: values['as-of'] === undefined ? Math.floor(Date.now() / 1000) : parseTime(values['as-of']),
    asOfGiven: values['as-of'] !== undefined,
    log: values.log === undefined ? null : await logOf(values.log),
    bundleOnly: values['bundle-only'],
    openings: values.openings === undefined ? null : readFileSync(values.openings),
  });
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : textOf(report));
  return report.exit_code;
}

/** A line for each check that does not hold, or does, then the findings and the verdict. */
function textOf({ checks, findings, verdict }) {
  const lines = checks.map(({ code, state, reason, depends, evidence }) =>
    [code, state, depends || reason, JSON.stringify(evidence)].filter(Boolean).join('  '),
  );
  const found = findings.map(({ code, evidence }) => `finding  ${code}  ${JSON.stringify(evidence)}`);
  return [...lines, ...found, verdict, ''].join('\n');
}

/** The whole log in a folder, with those artifacts in memory that a verification may ask for. */
async function logOf(folder) {
  const log = await readLog(async (path) => bytesOf(join(folder, path)));
  const artifacts = new Map([...artifactsOf(log.entries)].map((hex) => [hex, bytesOf(join(folder, 'artifact', hex))]));
  return { ...log, artifact: (hex) => artifacts.get(hex) ?? null };
}

function bytesOf(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
}

// --- many files ----------------------------------------------------------------------------------------------------

async function serve() {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
  }
  return 0;
}

/** The answer to one question: a report, why the file cannot be read, or where this program is at fault. */
function answer({ file, trust, as_of, as_of_given, bundle_only, openings, log }) {
  try {
    const report = verifyFile(fromBase64(file), fromBase64(trust), {
      asOf: as_of,
      asOfGiven: as_of_given,
      bundleOnly: bundle_only,
      openings: openings === null ? null : fromBase64(openings),
      log: log === null ? null : logInMemory(log),
    });
    return { report };
  } catch (error) {
    if (error instanceof Refusal) return { refused: { code: error.code, params: error.params } };
    return { fault: String(error?.stack ?? error) };
  }
}

function logInMemory({ entries, checkpoints, artifacts, frozen = null }) {
  const bytes = new Map(Object.entries(artifacts).map(([hex, base64]) => [hex, fromBase64(base64)]));
  return {
    entries: entries.map((entry) => (entry === null ? null : fromBase64(entry))),
    checkpoints: checkpoints.map(fromBase64),
    frozen: frozen === null ? null : fromBase64(frozen),
    artifact: (hex) => bytes.get(hex) ?? null,
  };
}

/** What a user can mend in one line; a fault of this program with its stack. */
function toldOf(error) {
  if (error instanceof Refusal) return `${error.code} ${JSON.stringify(error.params)}`;
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  return isUsage || error.syscall !== undefined ? error.message : error.stack;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = UNREADABLE;
  process.stderr.write(`${toldOf(error)}\n`);
}
