/**
 * A draw's page on a public site: verify what is published in the reader's browser, and judge the page by the outcome.
 */

import { parseTime } from '../core/encoding.mjs';
import { fill, hash, make } from './dom.mjs';
import { readFragment } from './fragment.mjs';
import { LookupView } from './lookup.mjs';
import { finalTeams, resultAgrees, shownVerdict } from './reading.mjs';
import { saveReport, servedBy } from './server.mjs';
import { Unreachable, fetched, openLog, overWeb, verifyWith } from './sources.mjs';
import { keptTrust } from './trust.mjs';
import { VerdictView } from './verdict.mjs';
import { Refused, faultText } from './verifier.mjs';

export class DrawPage {
  constructor(main, words, verifier) {
    this.main = main;
    this.words = words;
    this.verifier = verifier;
    this.view = new VerdictView(document.getElementById('verdict'), words);
    this.lookup = new LookupView(document.getElementById('lookup'), words, (no) =>
      verifier.ask({ call: 'explain', no }),
    );
    this.notice = make('section', { id: 'notice', role: 'status' });
    this.view.section.before(this.notice);
  }

  async start() {
    window.addEventListener('hashchange', () => this.#readPaper());
    const { bundle } = this.main.dataset;
    if (!bundle) return this.view.error(this.words.page('no-bundle-yet'));
    try {
      await this.#verify(bundle);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #verify(address) {
    const { words, view } = this;
    view.working(words.page('fetching'));
    const file = await fetched(new URL(address, location.href));
    if (!file) return view.error(words.page('no-bundle-yet'));
    const trust = await this.#trust();
    if (!trust) return view.error(words.page('needs-trust'));
    const about = await this.verifier.ask({ call: 'file', file });
    if (!this.#isThisDraw(about)) {
      this.#judgeTable('fails');
      return view.error(words.page('bundle-of-another'), make('p', {}, hash(about.draw ?? about.announcement)));
    }
    const log = await openLog(overWeb(new URL(this.main.dataset.log, location.href).href), (done, total) =>
      view.working(words.page('reading-log', { done, total })),
    );
    view.working(words.page('working'));
    const asOf = this.#asOf();
    const options = { asOf: asOf ?? Math.floor(Date.now() / 1000), asOfGiven: asOf !== null };
    const ticks = view.ticking(about.type);
    const { report, result } = await verifyWith(this.verifier, { file, trust: trust.bytes, log, options }, ticks.tick);
    await ticks.done();
    view.show(report, {
      trust: trust.told,
      log: words.page('log-web', { count: log.entries.length, host: location.host }),
      server: servedBy(words),
      asOf: report.as_of_given ? 'as-of-page' : 'as-of-now',
      brief: true,
      actions: make(
        'div',
        { class: 'actions' },
        make('button', { type: 'button', on: { click: () => saveReport(report) } }, words.page('save-report')),
      ),
    });
    this.report = report;
    this.#judgeTable(shownVerdict(report), report, result);
    this.lookup.offer({ proven: report.verdict !== 'fails' });
    await this.#readPaper();
  }

  /** The reader's own trust file if this browser keeps one, else the one that the site offers. */
  async #trust() {
    const kept = keptTrust();
    if (kept) return { bytes: kept.bytes, told: this.words.page('trust-kept', { name: kept.name, since: kept.since }) };
    const bytes = await fetched(new URL(this.main.dataset.trust, location.href));
    return bytes && { bytes, told: this.words.page('trust-served', { host: location.host }) };
  }

  /** The draw that this page claims to show: another one, however genuine, would lend it a verdict. */
  #isThisDraw({ announcement, draw }) {
    const { announcement: claimed, draw: drawn } = this.main.dataset;
    return announcement === claimed && (!drawn || drawn === draw);
  }

  #asOf() {
    const { asOf } = this.main.dataset;
    return asOf ? parseTime(asOf) : null;
  }

  /**
   * What the server shows as the result stands only as far as it is what was verified: the table is compared with the
   * draw made again, row by row, and struck through where it differs or nothing is proven.
   */
  #judgeTable(state, report = null, result = null) {
    const table = document.getElementById('result');
    if (!table) return;
    const stands = result && state !== 'fails' && resultAgrees(report);
    const honest = !result || sameRows(table, result, report);
    const code = !honest ? 'table-differs' : stands ? 'table-same' : state === 'fails' ? 'unproven' : 'not-yet-proven';
    table.classList.toggle('struck', state === 'fails' || !honest);
    this.caption ??= make('p', { role: 'status' });
    this.caption.className = code === 'table-same' ? 'caption' : 'caption unproven';
    table.parentElement.before(this.caption);
    fill(this.caption, this.words.page(code));
    if (!honest) this.view.contradicted(this.words.page(code));
  }

  /** The code on a paper: whether it names this draw, and whose number it asks about. */
  async #readPaper() {
    const fragment = readFragment(location.hash);
    fill(this.notice);
    if (!fragment?.hash || !this.report) return;
    const { announcement, draw } = this.main.dataset;
    const same = [announcement, draw, this.report.subject].includes(fragment.hash);
    this.notice.dataset.same = String(same);
    fill(
      this.notice,
      make('p', {}, make('b', {}, this.words.page(same ? 'paper-same' : 'paper-other'))),
      make('p', {}, this.words.page('paper-names'), ' ', hash(fragment.hash)),
    );
    if (same && fragment.no) {
      await this.lookup.look(fragment.no);
      this.lookup.section.scrollIntoView({ block: 'start' });
    }
  }

  #failed(error) {
    const { words, view } = this;
    this.#judgeTable('unknown');
    if (error instanceof Unreachable) return view.error(error.told(words));
    if (error instanceof Refused || error.code !== undefined) {
      return view.error(words.page('cannot-read'), make('p', { class: 'why' }, words.error(error)));
    }
    view.error(words.page('fault'), make('pre', {}, faultText(error)));
  }
}

/**
 * Whether a table shows this result, no more and no less: number, team with experts, who inspects now where a column of
 * its own says so, and ticket, each as the reader sees it.
 */
function sameRows(table, result, report) {
  const finals = finalTeams(report);
  const made = result.map(({ no, team, experts, ticket }) => {
    const now = finals.get(no);
    const changed = String(now) !== String(team);
    return { no, team: [...team, ...experts].join(' '), now: changed ? now.join(' ') : '', ticket };
  });
  const rows = [...table.tBodies].flatMap(({ rows: all }) => [...all]);
  if (rows.length !== made.length) return false;
  const cell = (row, name) => {
    const found = row.querySelector(`.${name}`);
    return found ? found.textContent.trim().replace(/\s+/g, ' ') : '';
  };
  return rows.every((row, place) => Object.entries(made[place]).every(([name, told]) => cell(row, name) === told));
}
