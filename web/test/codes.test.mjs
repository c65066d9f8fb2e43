/** Invitations and enrolments in codes: specs/phone.md and its vectors. */

import assert from 'node:assert/strict';

import { text } from '../src/core/encoding.mjs';
import { fingerprint } from '../src/core/record.mjs';
import { codeOf, readCode, readEnrolment, readInvitation } from '../src/supervise/codes.mjs';
import { runVectors } from './vectors.mjs';

runVectors('phone', ({ code, kind, text: held, digits }) => {
  const { letter, bytes } = readCode(code);
  const { digest } = letter === 'i' ? readInvitation(bytes) : readEnrolment(bytes);
  assert.equal(letter, kind);
  assert.equal(text(bytes), held);
  assert.equal(fingerprint(digest), digits);
  assert.ok(code.includes(codeOf(letter, bytes)));
});
