/**
 * The verdict, with everything that a reader needs to weigh it: why, as of when, by whose trust file, served by whom.
 */

import { fill, hash, icon, make } from './dom.mjs';
import {
  beijing,
  checksOf,
  headline,
  isFileAlone,
  isHash,
  lacksOnlyTheLog,
  lookedUntil,
  shortened,
  shownState,
  shownVerdict,
  timeline,
} from './reading.mjs';

const TICK = 20; // ms between two ticks: enough to be seen, and the 24 of them take half a second

export class VerdictView {
  /** `section` is the element to fill, `words` the sentences. */
  constructor(section, words) {
    this.words = words;
    this.section = section;
    this.sign = make('div', { class: 'sign' });
    this.title = make('h2', { tabindex: '-1' });
    this.lines = make('div', { class: 'lines' });
    this.body = make('div', { class: 'body' });
    const told = make('div', { class: 'told', role: 'status', 'aria-live': 'polite' }, this.title, this.lines);
    section.classList.add('verdict');
    fill(section, make('div', { class: 'strip' }, this.sign, told), this.body);
  }

  /** Say what is being done, before there is anything to judge. */
  working(sentence) {
    this.#strip('working', sentence, []);
    fill(this.body);
  }

  /**
   * Return what takes the verifier's progress: each check appears as it is answered, at a pace that eyes can follow.
   */
  ticking(kind) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const list = make('ol', { class: 'checks ticking', 'aria-hidden': 'true' });
    fill(this.body, list);
    let shown = Promise.resolve();
    return {
      tick: ({ result }) => {
        shown = shown.then(async () => {
          const before = list.querySelector(`[data-code="${result.code}"]`); // from a run that lacked an artifact
          if (before) before.replaceWith(this.#line({ kind }, result));
          else list.append(this.#line({ kind }, result));
          if (!still) await new Promise((resolve) => setTimeout(resolve, TICK));
        });
      },
      done: () => shown,
    };
  }

  /** Say that there is nothing to judge, and why: neither that it holds nor that it fails. */
  error(sentence, ...below) {
    this.#strip('error', sentence, []);
    fill(this.body, below);
  }

  /**
   * Show a report. `beside` is `{trust, server, log}`, sentences on where these came from; `asOf`, the code of the
   * sentence on who chose the time; `actions`; and `brief` where the page around it says the rest.
   */
  show(report, beside) {
    const state = shownVerdict(report);
    const [section, code, params] = headline(report);
    const told = this.words.say(section, code, params);
    this.#strip(state, report.rehearsal ? [this.words.say('verdict', 'rehearsal'), told] : told, this.#lines(report));
    fill(
      this.body,
      report.rehearsal && !beside.brief && make('p', { class: 'rehearsal' }, this.words.page('rehearsal')),
      this.#decisive(report),
      beside.actions ?? null,
      beside.brief ? null : this.#timeline(report),
      this.#facts(report, beside),
      this.#findings(report),
      this.#checks(report),
    );
  }

  /**
   * What the page around the verdict shows is not what was verified: that comes first, and the file's own verdict
   * below.
   */
  contradicted(sentence) {
    const ofTheFile = make('p', {}, this.words.page('of-the-file'), ' ', [...this.title.childNodes]);
    this.section.dataset.state = 'fails';
    fill(this.sign, icon('fails'));
    fill(this.title, sentence);
    this.lines.prepend(ofTheFile);
  }

  #strip(state, sentence, lines) {
    this.section.dataset.state = state;
    this.section.setAttribute('aria-busy', String(state === 'working'));
    fill(this.sign, icon(state));
    fill(this.title, sentence);
    fill(
      this.lines,
      lines.map((line) => make('p', {}, line)),
    );
  }

  #lines(report) {
    const { words } = this;
    const lines = [];
    if (report.verdict === 'fails') lines.push(words.say('verdict', 'not-proven'));
    const order = checksOf(report).get('announcement-before-pulse');
    if (report.verdict === 'holds' && report.kind === 'bundle') {
      lines.push(words.page('in-one-sentence', { count: order.evidence.seconds }));
    }
    if (isFileAlone(report)) lines.push(report.verdict === 'holds' ? words.say('verdict', 'bundle-only') : words.page('alone'));
    if (lacksOnlyTheLog(report)) lines.push(words.page('lacks-only-the-log'));
    if (report.kind === 'slip') {
      const [code, time] = lookedUntil(report);
      lines.push(words.say('verdict', code, { time: time === null ? words.say('word', 'none') : beijing(time) }));
      lines.push(words.say('verdict', 'slip-limit'));
    }
    return lines;
  }

  /** The checks on which the verdict rests, in full: those that fail, else those that nothing was said of. */
  #decisive(report) {
    const state = report.verdict;
    if (state === 'holds') return null;
    const told = report.checks.filter((check) => check.state === state && !check.depends);
    return make(
      'ol',
      { class: 'decisive' },
      told.map((check) => {
        const { title, says, why, does } = this.#check(report, check);
        return make(
          'li',
          { data: { state: shownState(check), code: check.code } },
          icon(shownState(check)),
          make(
            'div',
            {},
            make('h3', {}, title),
            make('p', {}, says),
            why && make('p', { class: 'why' }, make('b', {}, this.words.say('word', 'why')), ' ', why),
            does && make('p', { class: 'do' }, make('b', {}, this.words.say('word', 'do')), ' ', does),
          ),
        );
      }),
    );
  }

  #timeline(report) {
    const steps = timeline(report);
    if (!steps.length) return null;
    return make(
      'ol',
      { class: 'timeline' },
      steps.map(([code, time]) =>
        make(
          'li',
          {},
          make('b', {}, this.words.page(`step-${code}`)),
          make('time', { datetime: iso(time) }, beijing(time)),
        ),
      ),
    );
  }

  #facts(report, beside) {
    const { words } = this;
    const quorum = checksOf(report).get('witness-quorum');
    const facts = [
      ['as-of', words.page(beside.asOf, { time: beijing(report.as_of) })],
      ['trust', [beside.trust, ' ', hash(report.trust)]],
      ['log', beside.log],
    ];
    if (quorum?.state === 'holds') {
      const { to_fork: fork, to_backdate: backdate, missing } = quorum.evidence;
      facts.push(['witnesses', words.page('collusion', { fork, backdate })]);
      if (missing?.length) facts.push(['missing', words.page('not-cosigned', { names: missing })]);
    }
    facts.push(['server', beside.server]);
    return make(
      'dl',
      { class: 'facts' },
      facts.map(([code, told]) => make('div', {}, make('dt', {}, words.page(`fact-${code}`)), make('dd', {}, told))),
    );
  }

  #findings(report) {
    if (!report.findings.length) return null;
    return make(
      'section',
      { class: 'findings' },
      make('h3', {}, this.words.say('word', 'findings')),
      make(
        'ul',
        {},
        report.findings.map(({ code, evidence }) =>
          make(
            'li',
            {},
            this.words.both((catalogue) => catalogue.tell('finding', code, short(evidence, catalogue))),
          ),
        ),
      ),
    );
  }

  #checks(report) {
    const { words } = this;
    const count = (state) => report.checks.filter((check) => shownState(check) === state).length;
    const counts = { holds: count('holds'), fails: count('fails'), unknown: count('unknown'), waits: count('waits') };
    return make(
      'details',
      { class: 'all-checks' },
      make('summary', {}, words.page('all-checks', counts)),
      report.verdict === 'fails' && make('p', { class: 'note' }, words.page('held-but')),
      make(
        'ol',
        { class: 'checks' },
        report.checks.map((check) => this.#line(report, check, true)),
      ),
      make('p', { class: 'subject' }, words.say('word', 'subject'), ' ', hash(report.subject)),
    );
  }

  #line(report, check, withEvidence = false) {
    const { title, says } = this.#check(report, check);
    const state = shownState(check);
    const line = [
      icon(state),
      make('span', { class: 'line' }, make('b', {}, title), make('span', { class: 'says' }, says)),
    ];
    const evidence = withEvidence && state !== 'waits' ? this.#evidence(check) : [];
    return make(
      'li',
      { data: { state, code: check.code } },
      evidence.length
        ? make('details', {}, make('summary', {}, line), evidence)
        : make('div', { class: 'plain' }, line),
    );
  }

  /** The words of a check: `{title, says, why, does}`, each in both languages or null. */
  #check(report, check) {
    const told = this.words.both((catalogue) => {
      const evidence = short(check.evidence, catalogue);
      return catalogue.check(check.code, check.state, check.reason, evidence, { kind: report.kind });
    });
    const pair = (part) => (told.zh[part] ? { zh: told.zh[part], en: told.en[part] } : null);
    const waitsFor = (catalogue) => catalogue.check(check.depends, 'holds', '', {}, { kind: report.kind }).title;
    const says = check.depends ? this.words.say('word', 'depends', { check: this.words.both(waitsFor) }) : pair('says');
    return { title: pair('title'), says, why: pair('why'), does: pair('do') };
  }

  #evidence(check) {
    const entries = Object.entries(check.evidence);
    if (!entries.length) return [];
    return [
      make(
        'dl',
        { class: 'evidence' },
        entries.map(([name, value]) => {
          const shown = (catalogue) => catalogue.show(short({ [name]: value }, catalogue)[name]);
          return make(
            'div',
            {},
            make('dt', {}, this.words.say('field', name)),
            make('dd', {}, isHash(value) ? hash(value) : this.words.both(shown)),
          );
        }),
      ),
      make('p', { class: 'code' }, this.words.say('word', 'code'), ' ', make('code', {}, check.reason || check.code)),
    ];
  }
}

const short = (evidence, catalogue) => shortened(evidence, (count) => catalogue.say('verdict', 'more', { count }));

const iso = (seconds) => new Date(seconds * 1000).toISOString();
