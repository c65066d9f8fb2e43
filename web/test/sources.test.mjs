/** specs/vectors/sources.json: pulses, events, sources together (specs/beacon.md §10, §11, specs/events.md). */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CHAINS } from '../src/core/beacon.mjs';
import { fromBase64, parse, canonical, utf8 } from '../src/core/encoding.mjs';
import { Refusal } from '../src/core/errors.mjs';
import { readDefinition, readValues } from '../src/core/events.mjs';
import { checkDocument, nistChain } from '../src/core/nist.mjs';
import { artifactOfPulse, checkSources } from '../src/core/randomness.mjs';
import { refuses, vectors } from './vectors.mjs';

const cases = vectors('sources');
const recorded = vectors('recorded/nist');

function run(vector) {
  if ('document' in vector) {
    const certificate = fromBase64(vector.certificate);
    const chain = nistChain('nist', certificate, vector.chain_index);
    return { randomness: checkDocument(chain, vector.round, { document: utf8(vector.document), certificate }) };
  }
  if ('sources' in vector) {
    const chains = new Map([
      ...CHAINS,
      ['nist', nistChain('nist', fromBase64(vector.certificate), vector.chain_index)],
    ]);
    checkSources(vector.sources, chains, vector.margin, () => utf8(vector.definition));
    return {};
  }
  return readValues(readDefinition(utf8(vector.definition)), utf8(vector.values));
}

for (const vector of cases.accept) {
  test(`accepted: ${vector.name}`, () => {
    const found = run(vector);
    for (const field of ['randomness', 'bits', 'missing']) {
      if (field in vector) assert.deepEqual(found[field], vector[field]);
    }
  });
}

for (const vector of cases.refuse) {
  test(`refused: ${vector.name}`, () => refuses(vector.expect, () => run(vector)));
}

const genuine = cases.accept.find((vector) => 'document' in vector);

test('every field of a pulse document is bound by its signature or its output', () => {
  const document = parse(utf8(genuine.document.trimEnd()));
  const mangle = (value) =>
    typeof value === 'number' ? value + 1 : value.replace(/^./, (c) => (c === '1' ? '2' : '1'));
  const twins = Object.keys(document)
    .filter((name) => name !== 'external')
    .map((name) => ({ ...document, [name]: mangle(document[name]) }));
  for (const name of Object.keys(document.external)) {
    twins.push({ ...document, external: { ...document.external, [name]: mangle(document.external[name]) } });
  }
  assert.equal(twins.length, 23);
  for (const twin of twins) {
    const mangled = { ...genuine, document: `${canonical(twin)}\n` };
    assert.throws(() => run(mangled), Refusal, canonical(twin));
  }
});

test('a certificate with any byte of its key, validity or frame changed is refused', () => {
  const certificate = fromBase64(genuine.certificate);
  for (let i = 0; i < certificate.length; i += 7) {
    const twin = certificate.slice();
    twin[i] ^= 1;
    const chain = nistChain('nist', certificate, genuine.chain_index);
    const document = utf8(genuine.document);
    refuses('wrong-certificate', () => checkDocument(chain, genuine.round, { document, certificate: twin }));
  }
});

test('every certificate that is cut short or has a byte changed is read or refused, never a fault', () => {
  const certificate = fromBase64(genuine.certificate);
  const document = utf8(genuine.document);
  const twins = [];
  for (let length = 0; length < certificate.length; length += 13) twins.push(certificate.slice(0, length));
  for (let i = 0; i < 900; i += 1) {
    const twin = certificate.slice();
    twin[i] ^= 0x81;
    twins.push(twin);
  }
  for (const twin of twins) {
    const chain = nistChain('nist', twin, genuine.chain_index);
    // The document names the certificate by its hash: a reader who pinned the twin still refuses.
    assert.throws(() => checkDocument(chain, genuine.round, { document, certificate: twin }), Refusal);
  }
});

test('a pulse that is recorded before its certificate began or after it ended is refused', () => {
  const late = recorded.pulses['nist-2026-07-10T11:02'];
  const certificate = fromBase64(recorded.certificates[late.certificate]);
  const chain = nistChain('nist', certificate, 2);
  for (const [stamp, minute] of [
    ['2025-08-27T23:59:00.000Z', 29272319],
    ['2026-09-05T00:00:00.000Z', 29809440],
  ]) {
    const document = utf8(`${canonical({ ...late.document, time_stamp: stamp })}\n`);
    refuses('certificate-expired', () => checkDocument(chain, minute, { document, certificate }));
  }
});

test('time stamps that are no whole minute are refused', () => {
  const document = parse(utf8(genuine.document.trimEnd()));
  for (const stamp of ['2018-08-30T17:43:01.000Z', '2018-08-30T17:43:00.001Z', '2018-02-30T17:43:00.000Z', 'now']) {
    const mangled = { ...genuine, document: `${canonical({ ...document, time_stamp: stamp })}\n` };
    refuses('pulse-time', () => run(mangled));
  }
});

test('what names no artifact is refused as the pulse of events', () => {
  const pulse = { beacon: 'events', round: 1, signature: 'ab'.repeat(32), previous: null };
  assert.equal(artifactOfPulse(pulse), pulse.signature);
  for (const twin of [{ signature: 'ab'.repeat(31) }, { previous: 'ab'.repeat(32) }, { signature: 'ab'.repeat(48) }]) {
    refuses('not-an-artifact', () => artifactOfPulse({ ...pulse, ...twin }));
  }
});

test('every mangled line of a definition or of values is refused, never a fault', () => {
  const vector = cases.accept.find((one) => one.name === 'both were published');
  for (const field of ['definition', 'values']) {
    const value = parse(utf8(vector[field].trimEnd()));
    for (const path of paths(value)) {
      for (const wrong of [null, true, '', 'x', -1, 1e15, [], {}]) {
        const twin = replaced(value, path, wrong);
        const mangled = { ...vector, [field]: `${canonical(twin)}\n` };
        if (mangled[field] === vector[field]) continue;
        assert.throws(() => run(mangled), Refusal, mangled[field]);
      }
    }
  }
});

function* paths(value, path = []) {
  yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) yield* paths(value[key], [...path, key]);
}

function replaced(value, [first, ...rest], wrong) {
  if (first === undefined) return wrong;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[first] = replaced(value[first], rest, wrong);
  return copy;
}
