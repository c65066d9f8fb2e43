/** A phone: whose it is, which logs it knows, what it saw and said there. What the page shows is asked of it. */

import { openCheckpoint, parseHash } from '../core/checkpoint.mjs';
import { parseTime, sha256hex, text as decode, utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { parseSize } from '../core/treehead.mjs';
import { parseTrust } from '../core/trust.mjs';
import { verifyWith, withArtifacts } from '../page/sources.mjs';
import { finish, headOf, saidIn, say } from './chain.mjs';
import { readCode, readInvitation } from './codes.mjs';
import { Desk } from './desk.mjs';
import { readHistory } from './history.mjs';
import { openKey } from './keys.mjs';
import { enrolmentFor, makePerson, readLogs, readPerson, renewKey, takeInvitation } from './person.mjs';
import { commitment, reveal } from './seeds.mjs';
import { Caught, cosign, look, opened, seenKey } from './witness.mjs';

const APART = 60; // seconds that the phone's clock and the desk's may differ without a question
const LF2 = '\n\n';
const WHOLE_BUNDLE = /^tile\/entries\/[x0-9/]+$/;

export class Phone {
  /** `clock` gives POSIX seconds; `verifier` is page/verifier.mjs. */
  constructor(store, verifier, clock = () => Math.floor(Date.now() / 1000)) {
    this.store = store;
    this.verifier = verifier;
    this.clock = clock;
    this.histories = new Map(); // by origin, of this visit
    this.passphrase = null;
    this.pending = null; // an invitation whose digits nobody has compared
  }

  async load() {
    this.person = await readPerson(this.store);
    this.logs = await readLogs(this.store);
    this.evidence = await this.store.all('evidence/');
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  async create({ name, role }, how) {
    this.passphrase = how.passphrase ?? null;
    this.person = await makePerson(this.store, { name, role }, how);
  }

  /** Whether a passphrase must be given before anything can be signed. */
  get locked() {
    return this.person?.supervisor.kind === 'sealed' && this.passphrase === null;
  }

  async unlock(passphrase) {
    await openKey(this.person.supervisor, passphrase);
    this.passphrase = passphrase;
  }

  #opened = new Map(); // by vkey: a passphrase is stretched once a visit

  #open = async (held) => {
    const key = this.#opened.get(held.vkey) ?? (await openKey(held, this.passphrase));
    this.#opened.set(held.vkey, key);
    return key;
  };

  /** The owner's key for statements; another page may have followed it with a new one since this one was opened. */
  async #supervisor() {
    this.person = await readPerson(this.store);
    return this.#open(this.person.supervisor);
  }

  // --- invitations and enrolments ----------------------------------------------------------------------------------

  /**
   * Read an invitation, as a code, a link with one, or its text. Nothing of it is believed yet: anybody can send a link
   * that names this log and another desk, with another trust file. It waits until its owner has compared the digits.
   */
  readInvitation(given) {
    const bytes = given.startsWith('fairdraw/') ? utf8(given) : invitationIn(given);
    this.pending = { bytes, ...readInvitation(bytes) };
    return this.pending;
  }

  /** Take the invitation that was read: its digits are those that the desk shows. */
  async takeInvitation() {
    const told = await takeInvitation(this.store, this.pending.bytes, this.person);
    this.pending = null;
    await this.load();
    return told;
  }

  async enrolment(origin) {
    return enrolmentFor(this.person, origin, await this.#open(this.person.supervisor));
  }

  deskOf = (origin) => new Desk(this.logOf(origin).urls);

  logOf = (origin) => this.logs.find(({ log }) => log.name === origin);

  // --- the trust file ----------------------------------------------------------------------------------------------

  /**
   * The trust file for a log: `{bytes, digest, known, mine}`. `known` says whether it is the one of the newest
   * invitation, or one whose fingerprint was compared; `mine` is the phone's line in it, or null.
   */
  async trustOf(origin) {
    const kept = await this.store.get(`trust/${origin}`);
    const served = await this.deskOf(origin).trust().catch(() => null);
    const bytes = served ?? kept?.bytes ?? null;
    if (bytes === null) return null;
    const trust = parseTrust(bytes);
    const { digest } = trust;
    const known = [this.logOf(origin).trust, kept?.digest].includes(digest);
    if (known && kept?.digest !== digest) await this.compareTrust(origin, { bytes, digest });
    const line = trust.supervisors.get(this.person?.name);
    const mine = line && line.vkey.vkey === this.person.supervisor.vkey ? line : null;
    const cosigns = trust.witnesses.some(({ vkey }) => vkey.vkey === this.person?.witness.vkey);
    return { bytes, digest, known, mine, named: line ?? null, cosigns, trust };
  }

  /** The owner has compared the trust file's fingerprint: from now on it is this phone's. */
  compareTrust(origin, { bytes, digest }) {
    return this.store.change([`trust/${origin}`], () => [[`trust/${origin}`, { bytes, digest }]]);
  }

  // --- the log -----------------------------------------------------------------------------------------------------

  seen = async (origin) => opened(await this.store.get(seenKey(origin)));

  /**
   * Read a log, compare it with what this phone saw last, and store that it was seen; what convicts it is kept before
   * anybody is told.
   */
  async refresh(origin, progress) {
    const invited = this.logOf(origin);
    const before = await this.seen(origin);
    const known = this.#known(await this.saidIn(origin));
    const bundles = new Map(this.histories.get(origin)?.bundles);
    const read = remembering(bundles, await this.deskOf(origin).reader());
    const history = await readHistory(read, invited, { known, before, progress });
    if (history.checkpoint.origin !== origin) throw new Refusal('origin-mismatch', { expected: origin });
    const seen = await this.seen(origin);
    if (seen && seen.size > history.checkpoint.size && seen.size !== before?.size) {
      return this.refresh(origin, progress); // another page has seen more since: the log did not go back
    }
    await this.#keeping(origin, () =>
      look(this.store, { checkpoint: history.checkpoint, grown: history, logKey: invited.log }),
    );
    this.histories.set(origin, { ...history, read, bundles });
    return history;
  }

  /** The owner's first key: of those that followed, the log says itself. */
  #known(said) {
    if (!this.person) return new Map();
    const changed = said.find(({ text }) => JSON.parse(text).type === 'key');
    return new Map([[this.person.name, changed ? JSON.parse(changed.text).old : this.person.supervisor.vkey]]);
  }

  async #keeping(origin, act) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Caught) await this.#keepEvidence(origin, error);
      throw error;
    }
  }

  async #keepEvidence(origin, { code, evidence }) {
    const digest = sha256hex(evidence);
    const one = { code, origin, at: this.clock(), digest, bytes: evidence };
    await this.store.change([`evidence/${digest}`], (there) => (there ? [] : [[`evidence/${digest}`, one]]));
    this.evidence = await this.store.all('evidence/');
  }

  /**
   * Cosign the newest checkpoint that was read. The desk's clock is asked first: a witness could not go back behind a
   * time that it has signed. `sure` is its owner's word that the phone's clock is right.
   */
  async cosign(origin, { sure = false } = {}) {
    const history = this.histories.get(origin) ?? (await this.refresh(origin));
    const { checkpoint, floor } = history;
    const theirs = await this.deskOf(origin).time().catch(() => null);
    const now = this.clock();
    if (!sure && theirs !== null && Math.abs(theirs - now) > APART) {
      throw new Refusal('clocks-differ', { expected: theirs, found: now });
    }
    return this.#cosign(origin, { checkpoint, grown: history, now, floor });
  }

  /** Cosign what stands in the body of an add-checkpoint request (tlog-witness), where no network reaches the log. */
  async cosignRequest(bytes) {
    const request = decode(bytes);
    const gap = request.indexOf(LF2);
    const [old, ...proof] = request.slice(0, Math.max(gap, 0)).split('\n');
    if (!old.startsWith('old ')) throw new Refusal('not-a-request');
    const note = utf8(request.slice(gap + LF2.length));
    const origin = decode(note).split('\n', 1)[0];
    const invited = this.logOf(origin);
    if (!invited) throw new Refusal('unknown-log', { found: origin });
    const checkpoint = openCheckpoint(note, [invited.log]);
    const grown = { old: parseSize(old.slice(4)), proof: proof.map(parseHash) };
    return this.#cosign(origin, { checkpoint, grown, now: this.clock() });
  }

  /**
   * A log whose key has signed two histories is not signed for any more, whatever it shows now, and whichever page found
   * it out.
   */
  async #needNoFork(origin) {
    this.evidence = await this.store.all('evidence/');
    if (this.evidence.some((one) => one.code === 'log-forked' && one.origin === origin)) {
      throw new Refusal('log-convicted', { found: origin });
    }
  }

  async #cosign(origin, what) {
    await this.#needNoFork(origin);
    const key = await this.#open(this.person.witness);
    const { log } = this.logOf(origin);
    const note = await this.#keeping(origin, () => cosign(this.store, key, { ...what, logKey: log }));
    const one = { note, size: what.checkpoint.size, at: what.now };
    await this.store.change([`cosigned/${origin}`], () => [[`cosigned/${origin}`, one]]);
    return one;
  }

  /** The checkpoint that was cosigned last, to be handed in again where that failed. */
  cosigned = (origin) => this.store.get(`cosigned/${origin}`);

  // --- statements --------------------------------------------------------------------------------------------------

  saidIn = (origin) => saidIn(this.store, origin);

  /** The owner's statements in the log that was read. */
  loggedIn(origin) {
    const { statements = [] } = this.histories.get(origin) ?? {};
    return statements.filter(({ statement }) => statement.by === this.person.name);
  }

  /** Say something in a log that was read in this visit: without it nobody knows where the chain stands. */
  async say(origin, what, beside = []) {
    if (!this.histories.has(origin)) await this.refresh(origin);
    await this.#needNoFork(origin);
    const signers = [await this.#supervisor()];
    const how = { now: this.#time(origin), logged: this.loggedIn(origin), signers, beside };
    return say(this.store, { log: origin, bureau: this.logOf(origin).bureau.name, by: this.person.name }, what, how);
  }

  /** Commit to a seed for a slot of a plan; `digits` are mixed in. */
  async commit(origin, slot, digits) {
    const { what, beside } = await commitment(this.store, { origin, slot, name: this.person.name, digits });
    return this.say(origin, what, beside);
  }

  /** Reveal the seed of a commitment, once an announcement waits for it. */
  async reveal(origin, one) {
    return this.say(origin, await reveal(this.store, origin, one, this.person.name));
  }

  /** The phone's time, which must not be before that of the statement that is spoken about. */
  #time(origin) {
    const now = this.clock();
    const { statements = [], floor = 0 } = this.histories.get(origin) ?? {};
    const latest = statements.reduce((most, { statement }) => Math.max(most, parseTime(statement.time)), 0);
    if (now < floor) throw new Refusal('clock-behind-round', { expected: floor, found: now });
    if (now + APART < latest) throw new Refusal('clocks-differ', { expected: latest, found: now });
    return now;
  }

  /** Sign what a crash left unsigned. */
  async finishAll(origin) {
    await this.#finish(origin);
    if ((await this.saidIn(origin)).some(({ entry }) => entry === null)) await this.renew();
  }

  /** All but a change of keys, which takes both. */
  async #finish(origin) {
    const half = (await this.saidIn(origin)).filter(({ entry, text }) => entry === null && JSON.parse(text).type !== 'key');
    for (const one of half) await finish(this.store, origin, one, [await this.#supervisor()]);
  }

  /** Follow the signing key with a new one, in every log; each is read first, so that the chains are known. */
  async renew() {
    const places = [];
    for (const { log, bureau } of this.logs) {
      await this.#needNoFork(log.name);
      await this.#finish(log.name); // the new key could not sign what stands before it
      if (!this.histories.has(log.name)) await this.refresh(log.name);
      headOf(await this.saidIn(log.name), this.loggedIn(log.name));
      places.push({ log: log.name, bureau: bureau.name, logged: this.loggedIn(log.name) });
    }
    const how = { holds: this.person.supervisor.kind === 'browser', passphrase: this.passphrase };
    const said = await renewKey(this.store, places, { how, open: this.#open, now: this.clock() });
    await this.load();
    return said;
  }

  // --- draws -------------------------------------------------------------------------------------------------------

  /** Verify a draw with the verifier of this page, by this phone's trust file and the log as it was just read. */
  async verify(origin, hash, file, progress) {
    const trust = await this.trustOf(origin);
    if (!trust?.known) throw new Refusal('trust-not-compared');
    const about = await this.verifier.ask({ call: 'file', file });
    if (about.draw !== hash) throw new Refusal('bundle-of-another', { expected: hash, found: about.draw });
    const { files, read } = this.histories.get(origin) ?? (await this.refresh(origin));
    const log = withArtifacts(files, read); // the very log that was compared: a desk could show the verifier another one
    const options = { asOf: this.clock(), asOfGiven: false, bundleOnly: false, openings: null };
    const { report } = await verifyWith(this.verifier, { file, trust: trust.bytes, log, options }, progress);
    return report;
  }
}

/** Whole bundles of entries do not change: they are asked for once a visit, and hashed each time. */
const remembering = (bundles, read) => async (path) => {
  const bytes = bundles.get(path) ?? (await read(path));
  if (bytes && WHOLE_BUNDLE.test(path)) bundles.set(path, bytes);
  return bytes;
};

function invitationIn(given) {
  const { letter, bytes } = readCode(given);
  if (letter !== 'i') throw new Refusal('bad-code', { reason: 'form' });
  return bytes;
}
