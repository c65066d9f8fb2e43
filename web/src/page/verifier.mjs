/**
 * Ask the verifier (src/worker.mjs): in a Worker where the browser allows one, else on this thread, from one source.
 */

import { visible } from '../core/words.mjs';

/** What the verifier could not read: `code` and `params` as in core/errors.mjs. */
export class Refused extends Error {
  constructor({ code, params }) {
    super(code);
    this.code = code;
    this.params = params;
  }
}

/** A fault of this program, not of what it was given. */
export class Fault extends Error {}

/** What a fault says of itself, for whoever mends it; it may quote a stranger's file. */
export const faultText = (error) =>
  String(error?.message ?? error)
    .split('\n')
    .map(visible)
    .join('\n');

export class Verifier {
  #core;
  #send;
  #pending = new Map();
  #count = 0;
  #answered = false;

  /** `core` is the function that the build wraps around src/worker.mjs: its text is the Worker's whole source. */
  constructor(core) {
    this.#core = core;
    this.#send = this.#inWorker() ?? this.#onThisThread();
  }

  /** Send one request; the promise is its answer. Every progress message goes to `onProgress`. */
  ask(request, onProgress = () => {}) {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { request: { ...request, id }, resolve, reject, onProgress });
      this.#send(this.#pending.get(id).request);
    });
  }

  #receive({ id, progress, answer, refusal, fault }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#answered = true;
    if (progress !== undefined) return waiting.onProgress(progress);
    this.#pending.delete(id);
    if (refusal) waiting.reject(new Refused(refusal));
    else if (fault) waiting.reject(new Fault(fault));
    else waiting.resolve(answer);
  }

  #inWorker() {
    const source = `'use strict';const receive=(${this.#core})().open(m=>postMessage(m));onmessage=e=>receive(e.data);`;
    try {
      const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
      const worker = new Worker(trusted(address));
      worker.onmessage = (event) => this.#receive(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        worker.terminate();
        this.#withoutWorker(event.message);
      };
      return (request) => worker.postMessage(request);
    } catch {
      return null; // some browsers have no Worker for a page that was opened from a file
    }
  }

  /** A Worker that never started is replaced; one that broke down at work has a fault to tell. */
  #withoutWorker(message) {
    this.#send = this.#onThisThread();
    for (const [id, { request, reject }] of [...this.#pending]) {
      if (!this.#answered) this.#send(request);
      else {
        this.#pending.delete(id);
        reject(new Fault(message ?? 'worker'));
      }
    }
  }

  #onThisThread() {
    const receive = this.#core().open((message) => this.#receive(message));
    return (request) => setTimeout(() => receive(request), 30); // let the page show first that it works
  }
}

/** The one address that is no text of a stranger's: under `require-trusted-types-for` nothing else becomes a script. */
function trusted(address) {
  const policy = globalThis.trustedTypes?.createPolicy?.('fairdraw', { createScriptURL: (url) => url });
  return policy ? policy.createScriptURL(address) : address;
}
