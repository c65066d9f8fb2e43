/** The verifier's own page: a file comes in, a verdict comes out, and nothing leaves the device. */

import { utf8 } from '../core/encoding.mjs';
import { Refusal } from '../core/errors.mjs';
import { visible } from '../core/words.mjs';
import { diagnosis, kindOf } from './diagnosis.mjs';
import { fill, hash, make } from './dom.mjs';
import { showDrawn } from './drawn.mjs';
import { partsIn, readFragment } from './fragment.mjs';
import { Inputs } from './inputs.mjs';
import { LookupView } from './lookup.mjs';
import { checksOf, lacksOnlyTheLog } from './reading.mjs';
import { addParts, forgetParts } from './scanned.mjs';
import { isServed, save, saveReport, servedBy } from './server.mjs';
import { Unreachable, fetched, fromFolder, openLog, overWeb, verifyWith } from './sources.mjs';
import { forgetTrust, keepTrust, keptTrust } from './trust.mjs';
import { VerdictView } from './verdict.mjs';
import { Refused, faultText } from './verifier.mjs';

const here = () => new URL('.', location.href).href;

export class VerifyPage {
  #run = 0;

  constructor(words, verifier) {
    this.words = words;
    this.verifier = verifier;
    const section = (id) => document.getElementById(id);
    this.notice = section('notice');
    this.drawn = section('drawn');
    this.view = new VerdictView(section('verdict'), words);
    this.lookup = new LookupView(section('lookup'), words, (no) => verifier.ask({ call: 'explain', no }));
    this.inputs = new Inputs(section('inputs'), words, {
      files: (files, kind) => this.take(files, kind),
      text: (text) => this.takeText(text),
      folder: (files) => this.chooseFolder(files),
      asOf: (seconds) => this.#with({ asOf: seconds }),
      alone: (alone) => this.#with({ alone }),
      forgetTrust: () => this.forgetTrust(),
    });
    this.given = { file: null, trust: null, folder: null, asOf: null, alone: false, openings: null };
    this.paper = null;
  }

  async start() {
    window.addEventListener('hashchange', () => this.readFragment());
    const kept = keptTrust();
    const served = !kept && isServed() ? await fetched(new URL('trust', here())).catch(() => null) : null;
    if (kept) await this.#takeTrust({ ...kept, source: 'kept' }).catch(() => forgetTrust());
    else if (served) await this.#takeTrust({ bytes: served, source: 'served' }).catch(() => {});
    if (!this.given.trust) this.inputs.showTrust('none');
    this.view.section.hidden = true;
    await this.readFragment();
  }

  /** A code on paper names a draw, or carries a part of a slip. */
  async readFragment() {
    const fragment = readFragment(location.hash);
    this.paper = fragment?.hash ? fragment : null;
    fill(this.notice);
    if (fragment?.bad) fill(this.notice, make('p', {}, this.words.page('fragment-bad')));
    if (fragment?.part) await this.takeParts([fragment.part]);
    if (this.paper) {
      fill(this.notice, make('p', {}, this.words.page('paper-names'), ' ', hash(this.paper.hash)));
      if (this.given.file) await this.run();
    }
  }

  async takeText(text) {
    if (typeof text !== 'string') return this.take(text);
    const parts = partsIn(text);
    if (parts.length) return this.takeParts(parts);
    // A line break that got lost on the way through a clipboard is the one thing that is put back.
    return this.take([{ bytes: utf8(text.trim() + '\n'), name: null }]);
  }

  async takeParts(parts) {
    try {
      const { file, have, of } = addParts(parts);
      if (file) return await this.take([{ bytes: file, name: null, packed: true }]);
      this.#say('unknown', this.words.page('parts', { have, count: of }), [
        make(
          'div',
          { class: 'actions' },
          make(
            'button',
            { type: 'button', on: { click: () => (forgetParts(), this.#hide()) } },
            this.words.page('parts-forget'),
          ),
        ),
      ]);
    } catch (error) {
      forgetParts();
      this.#failed(error);
    }
  }

  /** Take what was chosen, dropped or pasted: each file says itself what it is. */
  async take(files, kind = null) {
    this.#run++; // what is under way is about what was given before
    for (const file of files) {
      const is = kind ?? kindOf(file.bytes);
      try {
        if (is === 'trust') await this.#takeTrust({ ...file, source: 'own' });
        else if (is === 'openings') this.#takeOpenings(file);
        else await this.#takeProof(file);
      } catch (error) {
        return this.#failed(error, is === 'proof' ? file.bytes : null);
      }
    }
    await this.run();
  }

  async #takeProof(file) {
    this.given.file = null;
    const about = await this.verifier.ask({ call: 'file', file: file.bytes });
    this.given.file = { ...file, about };
    this.inputs.showFile(file.name ?? this.words.page(file.packed ? 'from-code' : 'from-paste'), file.bytes);
  }

  async #takeTrust({ bytes, name = 'trust', since, source }) {
    const about = await this.verifier.ask({ call: 'trust', trust: bytes });
    const today = new Date().toISOString().slice(0, 10);
    const kept = source === 'own' && keepTrust({ bytes, name }, today);
    const told = kept ? { name, since: today } : { name, since, host: location.host };
    this.given.trust = { bytes, source: kept ? 'kept' : source, told, about };
    this.inputs.showTrust(this.given.trust.source, { ...told, about });
  }

  #takeOpenings({ bytes, name }) {
    this.given.openings = bytes;
    fill(this.inputs.openings, this.words.page('chosen-file', { name, size: `${bytes.length} B` }));
  }

  forgetTrust() {
    this.#run++;
    forgetTrust();
    this.given.trust = null;
    this.inputs.showTrust('none');
    this.#hide();
  }

  chooseFolder(files) {
    const read = fromFolder(files);
    if (!read) return fill(this.inputs.log, this.words.page('log-no-folder'));
    return this.#with({ folder: read });
  }

  #with(change) {
    Object.assign(this.given, change);
    return this.run();
  }

  /** Verify what is there, if file and trust file are. Of an older run nothing is shown any more. */
  async run() {
    const { file, trust } = this.given;
    if (!file) return;
    if (!trust) return this.#say('unknown', this.words.page('needs-trust'), this.#stranger(file.about));
    const run = ++this.#run;
    const goesOn = () => run === this.#run;
    try {
      this.#say('working', this.words.page('working'));
      const log = await this.#log(file.about.log, goesOn);
      if (!goesOn()) return;
      const { asOf, alone, openings } = this.given;
      const options = {
        asOf: asOf ?? Math.floor(Date.now() / 1000),
        asOfGiven: asOf !== null,
        bundleOnly: alone,
        openings,
      };
      const ticks = this.view.ticking(file.about.type);
      const given = { file: file.bytes, trust: trust.bytes, log: log.log, options };
      const { report } = await verifyWith(this.verifier, given, (progress) => goesOn() && ticks.tick(progress));
      await ticks.done();
      if (goesOn()) await this.#show(report, { file, trust, log: log.told });
    } catch (error) {
      if (goesOn()) this.#failed(error, file.bytes);
    }
  }

  /** The log: the folder that the reader chose, else the one beside the page, if it is this file's. */
  async #log(origin, goesOn) {
    const { folder } = this.given;
    const read = folder ?? (isServed() ? overWeb(here()) : null);
    const checkpoint = read && (await read('checkpoint').catch(() => null));
    if (!checkpoint) return { log: null, told: this.words.page('log-none') };
    const found = new TextDecoder().decode(checkpoint).split('\n', 1)[0];
    if (found !== origin)
      return { log: null, told: this.words.page(folder ? 'log-of-another' : 'log-none', { found, expected: origin }) };
    try {
      const log = await openLog(read, (done, total) => {
        if (goesOn()) this.#say('working', this.words.page('reading-log', { done, total }));
      });
      const count = log.entries.length;
      return { log, told: this.words.page(folder ? 'log-folder' : 'log-web', { count, host: location.host }) };
    } catch (error) {
      // The file can be verified without the log: then nobody knows of other draws, and the page says so, and why.
      if (error instanceof Unreachable) return { log: null, told: error.told(this.words) };
      if (error instanceof Refusal) return { log: null, told: this.words.error(error) };
      throw error;
    }
  }

  async #show(report, { file, trust, log }) {
    const { words } = this;
    const same = this.#compare(report, file.about);
    this.view.section.hidden = false;
    this.view.show(report, {
      trust: words.page(`trust-${trust.source}`, trust.told),
      log,
      asOf: report.as_of_given ? 'as-of-given' : 'as-of-now',
      server: servedBy(words),
      actions: make(
        'div',
        { class: 'actions' },
        lacksOnlyTheLog(report) &&
          make(
            'button',
            { type: 'button', class: 'main', on: { click: () => document.getElementById('choose-log').click() } },
            words.page('choose-log'),
          ),
        make('button', { type: 'button', on: { click: () => saveReport(report) } }, words.page('save-report')),
        make('button', { type: 'button', on: { click: () => print() } }, words.page('print')),
        file.packed &&
          make(
            'button',
            { type: 'button', on: { click: () => save(file.bytes, 'slip.fairdraw.json', 'application/json') } },
            words.page('save-slip'),
          ),
        checksOf(report).get('trust')?.state === 'fails' && this.#stranger(file.about),
      ),
    });
    this.lookup.offer({ proven: report.verdict !== 'fails', own: report.kind === 'slip' });
    showDrawn(this.drawn, report, words);
    if (report.kind === 'slip') await this.lookup.lookOwn();
    else if (same && this.paper.no) await this.lookup.look(this.paper.no);
    this.view.title.focus({ preventScroll: true });
    this.view.section.scrollIntoView({ behavior: 'auto', block: 'start' });
  }

  /** Whether the paper in hand and the file are of one draw, which the page says either way, once the file can be read. */
  #compare(report, about) {
    if (!this.paper || checksOf(report).get('format').state !== 'holds') return false;
    const same = [about.draw, about.announcement, report.subject].includes(this.paper.hash);
    this.notice.dataset.same = String(same);
    fill(
      this.notice,
      make('p', {}, make('b', {}, this.words.page(same ? 'paper-same' : 'paper-other'))),
      make('p', {}, this.words.page('paper-names'), ' ', hash(this.paper.hash)),
      !same && make('p', {}, this.words.page('paper-file'), ' ', hash(report.subject)),
    );
    return same;
  }

  /** Who claims to have made a file that the reader does not trust yet: to be compared, never to be taken over. */
  #stranger({ log, bureau, signers }) {
    return make(
      'dl',
      { class: 'facts' },
      make('div', {}, make('dt', {}, this.words.say('field', 'log')), make('dd', {}, make('code', {}, visible(log)))),
      make(
        'div',
        {},
        make('dt', {}, this.words.say('field', 'bureau')),
        make('dd', {}, make('code', {}, visible(bureau))),
      ),
      signers.map(({ name, keyId }) =>
        make(
          'div',
          {},
          make('dt', {}, this.words.say('field', 'key_id')),
          make('dd', {}, make('code', {}, visible(`${name} ${keyId}`))),
        ),
      ),
      make('div', {}, make('dt', {}, this.words.say('word', 'do')), make('dd', {}, this.words.page('stranger-do'))),
    );
  }

  #say(state, sentence, ...below) {
    this.view.section.hidden = false;
    this.lookup.clear();
    fill(this.drawn);
    if (state === 'working') this.view.working(sentence);
    else this.view.error(sentence, ...below);
  }

  #hide() {
    this.view.section.hidden = true;
    this.lookup.clear();
    fill(this.drawn);
  }

  /** What could not be read, and why; a fault of this page is said to be one. */
  #failed(error, bytes = null) {
    const { words } = this;
    if (error instanceof Unreachable) return this.#say('error', error.told(words));
    if (!(error instanceof Refused) && error.code === undefined) {
      return this.#say('error', words.page('fault'), make('pre', {}, faultText(error)));
    }
    const why = make('p', { class: 'why' }, words.error(error));
    if (error.code !== 'not-a-bundle' || !bytes) return this.#say('error', words.page('cannot-read'), why);
    this.#say('error', words.page(diagnosis(bytes)), why);
  }
}
