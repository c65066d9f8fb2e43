/** The bound on the work of a draw (specs/assignment.md §9). */

import { Refusal } from './errors.mjs';

const MOST = 50_000_000; // tickets

/** What a draw has cost. Without it, whoever writes a plan could make every verifier work for ever. */
export class Budget {
  #spent = 0;

  spend(tickets) {
    this.#spent += tickets;
    if (this.#spent > MOST) throw new Refusal('attempts-exhausted', { expected: MOST });
  }
}
