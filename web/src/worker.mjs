/**
 * The verifier as the page asks it: bytes in, a report out. No network, no clock; what it needs comes with the request.
 */

import { Refusal } from './core/errors.mjs';
import { readFile } from './core/bundle.mjs';
import { fromBase64 } from './core/encoding.mjs';
import { parseNote } from './core/note.mjs';
import { parseTrust } from './core/trust.mjs';
import { examine } from './verify/index.mjs';
import { explainer, resultOf } from './page/explain.mjs';

const MAX_SIGNERS = 4; // a log has one key, or two of different kinds

/** Return what receives requests and `post`s progress and one answer each. */
export function open(post) {
  let explain = null;

  const calls = {
    /** What a trust file says, in short; whatever is none is refused, so that no page keeps a private key. */
    trust({ trust }) {
      const { digest, bureaus, witnesses } = parseTrust(trust);
      return { digest, bureaus: [...new Set(bureaus.map(({ name }) => name))], witnesses: witnesses.length };
    },

    /** Which draw a file is of. */
    file({ file }) {
      const { type, announcement, draw, bureau, log, checkpoint } = readFile(file);
      return { type, announcement, draw, bureau, log, signers: signersOf(checkpoint, log) };
    },

    /** The report, and the digests of the artifacts that were asked for and are not at hand. */
    verify({ file, trust, log, options }, progress) {
      const wanted = new Set();
      const artifact = (digest) => {
        const bytes = log.artifacts.get(digest) ?? null;
        if (bytes === null) wanted.add(digest);
        return bytes;
      };
      explain = null;
      const { kase, report } = examine(file, trust, {
        ...options,
        log: log && { ...log, artifact },
        progress: (result, done, of) => progress({ result, done, of }),
      });
      explain = explainer(kase, report);
      return { report, result: resultOf(kase, report), wanted: [...wanted] };
    },

    /** One number in the draw that was verified last. */
    explain({ no }) {
      return explain(no);
    },
  };

  return async ({ id, call, ...given }) => {
    try {
      post({ id, answer: await calls[call](given, (progress) => post({ id, progress })) });
    } catch (error) {
      if (error instanceof Refusal) post({ id, refusal: { code: error.code, params: error.params } });
      else post({ id, fault: String(error?.stack ?? error) });
    }
  };
}

/** With which keys a log claims to have signed a checkpoint; nothing of it is verified. */
function signersOf(checkpoint, log) {
  try {
    const lines = parseNote(fromBase64(checkpoint)).lines.filter(({ name }) => name === log);
    return lines.slice(0, MAX_SIGNERS).map(({ name, keyId }) => ({ name, keyId }));
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
