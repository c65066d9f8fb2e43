/** 查我的编号: one number, one answer, and the commands with which anybody gets the same without this page. */

import { fill, hash, make } from './dom.mjs';

const DRAWN = ['look-drawn', 'look-slip-drawn', 'look-inspects'];
const NUMBER = /^[A-Za-z0-9._:-]{1,40}$/;

/** The shell lines that make key and ticket, each with what it must print. */
export function commands({ key, keyLines, ticket, no }) {
  const lines = [];
  if (keyLines) lines.push(['look-key', `printf '%s\\n' ${keyLines.map(quoted).join(' \\\n  ')} | sha256sum`, key]);
  if (key && ticket) lines.push(['look-ticket', `printf '%s\\nobject\\n${no}\\n' ${key} | sha256sum`, ticket]);
  return lines;
}

/** A key's name may hold anything but white space: quoted, it cannot become a command of whoever pastes the line. */
const quoted = (line) => `'${line.replaceAll("'", String.raw`'\''`)}'`;

export class LookupView {
  /** `explain(no)` answers; the section is filled once there is a report. */
  constructor(section, words, explain) {
    this.words = words;
    this.section = section;
    this.explain = explain;
    section.classList.add('lookup');
  }

  /** Offer the box. `proven` says whether the verdict lets the answers stand. */
  offer({ proven, own = false }) {
    const { words } = this;
    this.proven = proven;
    delete this.section.dataset.answered;
    this.input = make('input', {
      id: 'lookup-no',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: 'false',
      maxlength: 60,
    });
    this.answer = make('div', { class: 'answer', role: 'status', 'aria-live': 'polite' });
    const form = make(
      'form',
      {
        on: {
          submit: (event) => {
            event.preventDefault();
            this.look(this.input.value);
          },
        },
      },
      make('label', { for: 'lookup-no' }, words.page('look-label')),
      make(
        'div',
        { class: 'row' },
        this.input,
        make('button', { type: 'submit', class: 'main' }, words.page('look-button')),
      ),
    );
    fill(
      this.section,
      make('h2', {}, words.page(own ? 'look-own-title' : 'look-title')),
      own ? null : form,
      this.answer,
    );
  }

  clear() {
    fill(this.section);
  }

  /** Answer for one number, as the reader typed it. */
  async look(typed) {
    const { words } = this;
    const no = typed.normalize('NFKC').trim();
    this.input.value = no;
    if (!NUMBER.test(no)) return fill(this.answer, make('p', {}, words.page('look-no-number')));
    this.#show(await this.explain(no));
  }

  /** Answer for the one number of a slip. */
  async lookOwn() {
    this.#show(await this.explain(null));
  }

  #show(answer) {
    const { words } = this;
    this.section.dataset.answered = 'true';
    fill(
      this.answer,
      !this.proven && answer.sentences.length > 0 && make('p', { class: 'unproven' }, words.page('look-unproven')),
      answer.sentences.map(([code, params]) => this.#sentence(code, params)),
      answer.team?.length > 0 && make('p', {}, words.page('look-team', { names: answer.team })),
      answer.own && make('p', {}, words.page('look-own', { fields: answer.own })),
      this.#numbers(answer),
      this.#byHand(answer),
    );
  }

  #sentence(code, params) {
    const state = DRAWN.includes(code) ? 'drawn' : 'other';
    return make('p', { class: 'sentence', data: { outcome: state } }, this.words.page(code, params));
  }

  #numbers({ ticket, cutoffs = [] }) {
    if (!ticket) return null;
    const row = (code, item, value) =>
      make('div', {}, make('dt', {}, this.words.say('field', code), ' ', item), make('dd', {}, hash(value)));
    return make(
      'dl',
      { class: 'facts' },
      row('ticket', '', ticket),
      cutoffs.map(([item, cutoff]) => row('cutoff', item, cutoff)),
    );
  }

  #byHand(answer) {
    const lines = commands(answer);
    if (!lines.length) return null;
    return make(
      'details',
      { class: 'technical' },
      make('summary', {}, this.words.page('look-by-hand')),
      lines.map(([code, line, prints]) => [
        make('p', {}, this.words.page(code)),
        make('pre', { tabindex: '0' }, line),
        make('p', { class: 'prints' }, this.words.say('sheet', 'prints'), ' ', hash(prints)),
      ]),
      make('p', { class: 'note' }, this.words.say('sheet', 'by-hand-note')),
    );
  }
}
