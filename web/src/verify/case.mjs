/** One file under verification: what its checks have established so far, and what they share. */

import { sha256hex } from '../core/encoding.mjs';
import { CannotTell, CheckFails } from '../core/errors.mjs';
import { History } from './history.mjs';
import { Slots } from './slots.mjs';

/**
 * The checks run in order, and each may use what those in its ground have set:
 *
 * - `format`: `items`, `artifacts` (bytes by the digest that they are carried under)
 * - `log-signature`: `final` and `earlier`, opened checkpoints with the cosignatures that count
 * - `bureau-chain`: `history` and `slots`, of the statements that the file carries; `chain`, of those up to the draw
 * - `rosters`: `rosters`
 */
export class Case {
  /**
   * @param {object} file as core/bundle.mjs reads it
   * @param {object} trust the reader's own
   * @param {{asOf: number, log: object|null, openings: object[]|null}} given
   */
  constructor(file, trust, { asOf, log, openings }) {
    this.file = file;
    this.trust = trust;
    this.asOf = asOf;
    this.log = log;
    this.openings = openings ?? [];
    this.items = [];
    this.artifacts = new Map();
    this.rosters = null;
    this.made = new Map();
    this.found = []; // findings of later acts
  }

  /** Note a finding of the acts (specs/verification.md §7). */
  find(code, evidence) {
    this.found.push({ code, evidence });
  }

  /** What is costly or may be refused is made once, and is the same, or refused by the same error, for each check. */
  once(name, make) {
    if (!this.made.has(name)) {
      try {
        this.made.set(name, { value: make() });
      } catch (error) {
        this.made.set(name, { error });
      }
    }
    const { value, error } = this.made.get(name);
    if (error) throw error;
    return value;
  }

  /** What was made under a name, if it was; null otherwise. */
  known(name) {
    return this.made.get(name)?.value ?? null;
  }

  /** Take the walked statements as the file's history. */
  settle(prefixes) {
    const { bureau } = this.file;
    this.history = new History(this.items, { bureau, prefixes });
    this.slots = new Slots(this, this.history);
    const chain = this.items.filter((item) => item.index <= this.end);
    this.chain = new Slots(this, new History(chain, { bureau, prefixes }));
  }

  get announcement() {
    return this.once('announcement', () => this.items.find((item) => item.hash === this.file.announcement));
  }

  /** The draw, or null where the file names none. */
  get draw() {
    return this.once('draw', () => this.items.find((item) => item.hash === this.file.draw) ?? null);
  }

  /** What the announcement fixes. */
  get announced() {
    return this.announcement.statement;
  }

  get plan() {
    return this.once('plan', () => {
      const item = this.history.follow(this.announced.plan);
      if (item.statement.type !== 'plan') {
        throw new CheckFails('wrong-type', { index: item.index, expected: 'plan', found: item.statement.type });
      }
      return item;
    });
  }

  /** The last index of the chain that the draw stands on: that of the draw, or of the announcement without one. */
  get end() {
    return Math.max(this.announcement.index, this.draw?.index ?? 0);
  }

  /** Where the newest snapshot and the version meant are judged (specs/verification.md §4.3). */
  get newestBelow() {
    return this.once('newest-below', () => this.slots.newestBelow(this.announcement));
  }

  /** The bytes that a statement names by digest and length. */
  artifact({ digest, length }) {
    const bytes = this.document(digest);
    if (bytes.length !== length) throw new CheckFails('wrong-digest', { expected: length, found: bytes.length });
    return bytes;
  }

  /** The bytes that have this digest. */
  document(digest) {
    return this.once(`artifact ${digest}`, () => {
      const bytes = this.carried(digest);
      const found = sha256hex(bytes);
      if (found !== digest) throw new CheckFails('wrong-digest', { expected: digest, found });
      return bytes;
    });
  }

  /** The bytes that a later act names: the file has them, or the log; nobody can judge what neither shows. */
  shown({ digest, length }) {
    const bytes = this.shownAnyhow(digest);
    if (bytes === null) throw new CannotTell('artifact-missing', { digest });
    const found = sha256hex(bytes);
    if (found !== digest || bytes.length !== length) throw new CheckFails('wrong-digest', { expected: digest, found });
    return bytes;
  }

  /** What file or log give for a digest, or null. */
  shownAnyhow(digest) {
    return this.artifacts.get(digest) ?? this.log.artifact(digest);
  }

  /** What the file carries under a digest, whatever it is. */
  carried(digest) {
    const bytes = this.artifacts.get(digest);
    if (bytes) return bytes;
    const withdrawn = this.history.byBureau('withdrawal').some((item) => item.statement.digest === digest);
    if (withdrawn) throw new CannotTell('withdrawn', { digest });
    throw new CheckFails('artifact-missing', { digest });
  }
}
