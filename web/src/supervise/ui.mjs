/** What the cards of the page have in common: sentences, buttons that say what went wrong, codes to hand over. */

import { Refusal } from '../core/errors.mjs';
import { fingerprint } from '../core/record.mjs';
import { visible } from '../core/words.mjs';
import { fill, hash, icon, make } from '../page/dom.mjs';
import { beijing } from '../page/reading.mjs';
import { save } from '../page/server.mjs';
import { Unreachable } from '../page/sources.mjs';
import { Refused, faultText } from '../page/verifier.mjs';
import { codeOf, fitsCode } from './codes.mjs';
import { DeskRefused } from './desk.mjs';
import { qrOf } from './qr.mjs';
import { NoStore } from './store.mjs';

const TIMES = new Set(['clock-behind-round', 'clock-went-back', 'clocks-differ']);

export class Ui {
  /** `redraw` shows everything anew. */
  constructor(words, redraw) {
    this.words = words;
    this.redraw = redraw;
  }

  say = (code, params) => this.words.say('supervise', code, params);

  p = (code, params, attributes = {}) => make('p', attributes, this.say(code, params));

  title = (code, params) => make('h2', {}, this.say(code, params));

  /** A button; while it acts it cannot be pressed again, and what went wrong stands below it. */
  button(code, act, { main = false, id = null, params = {} } = {}) {
    const button = make('button', { type: 'button', class: main ? 'main' : '', id }, this.say(code, params));
    button.addEventListener('click', () => this.act(button, act));
    return button;
  }

  async act(button, act) {
    const place = this.#below(button);
    button.disabled = true;
    fill(place, make('p', { class: 'working' }, icon('working'), this.say('working')));
    try {
      const told = await act((done, total) =>
        fill(place, make('p', { class: 'working' }, this.words.page('reading-log', { done, total }))),
      );
      fill(place, told);
      if (told === undefined) await this.redraw();
    } catch (error) {
      fill(place, this.failed(error));
      if (error?.evidence) await this.redraw();
    } finally {
      button.disabled = false;
    }
  }

  /** Where a card tells what came of a button. */
  #below(button) {
    const card = button.closest('section, .matter') ?? document.body;
    return card.querySelector(':scope > .told') ?? card.appendChild(make('div', { class: 'told', role: 'status' }));
  }

  /** What went wrong, in words; a fault of this page is said to be one. */
  failed(error) {
    const said = this.#sentence(error);
    const loud = Boolean(error?.evidence);
    return make(
      'div',
      { class: loud ? 'alarm' : 'trouble', role: 'alert' },
      make('p', {}, icon(loud ? 'fails' : 'error'), make('span', {}, said)),
      loud && this.p(`${error.code}-do`),
      said === null && make('pre', {}, faultText(error)),
    );
  }

  #sentence(error) {
    if (error instanceof DeskRefused) return this.say(error.later ? 'desk-later' : 'desk-refused', { said: error.said });
    if (error instanceof Unreachable) {
      return error.found === 'no-address' ? this.say('no-address') : error.told(this.words);
    }
    if (error instanceof NoStore) return this.say('no-store');
    const { code, params = {} } = error ?? {};
    if (!(error instanceof Refusal || error instanceof Refused)) return this.words.page('fault');
    const shown = TIMES.has(code) ? timesOf(params) : params;
    return this.words.has('supervise', code) ? this.say(code, shown) : this.words.error({ code, params });
  }

  /** Digits to compare: large, in groups, and the whole hash below for those who want to be sure. */
  digits(hex, code) {
    return make(
      'div',
      { class: 'digits' },
      code && make('p', { class: 'note' }, this.say(code)),
      make('p', { class: 'big' }, fingerprint(hex).split(' ').map((group) => make('span', {}, group))),
      make('p', { class: 'whole' }, hash(hex)),
    );
  }

  /** Something to hand over without a network: as a QR code where it fits, as text, as a file. */
  handOver(letter, bytes, name) {
    const code = `fairdraw:#${codeOf(letter, bytes)}`;
    return make(
      'div',
      { class: 'handover' },
      fitsCode(bytes) ? make('div', { class: 'code' }, qrOf(code, this.words.zh.say('supervise', 'qr-label'))) : this.p('too-large-for-code'),
      make(
        'details',
        {},
        make('summary', {}, this.say('as-text')),
        fitsCode(bytes) && make('pre', { class: 'codetext', tabindex: '0' }, code),
        make(
          'div',
          { class: 'actions' },
          make('button', { type: 'button', on: { click: () => save(bytes, name, 'application/octet-stream') } }, this.say('save-file')),
        ),
      ),
    );
  }

  facts(...pairs) {
    return make(
      'dl',
      { class: 'facts' },
      pairs.filter(Boolean).map(([code, ...told]) => make('div', {}, make('dt', {}, this.say(code)), make('dd', {}, ...told))),
    );
  }

  /** Keys and hashes, each below its name: a phone is too narrow for both side by side. */
  keys(...pairs) {
    return make(
      'dl',
      { class: 'facts' },
      pairs.map(([code, text]) => make('div', { class: 'long' }, make('dt', {}, this.say(code)), make('dd', {}, hash(visible(text))))),
    );
  }

  /** What need not be seen each time. */
  folded(code, ...told) {
    return make('details', {}, make('summary', {}, this.say(code)), ...told);
  }

  code = (text) => make('code', {}, visible(text));

  time = (seconds) => beijing(seconds);

  role = (role) => (this.words.has('role', role) ? this.words.say('role', role) : visible(role));
}

/**
 * Draw a card anew. What its reader has unfolded stays unfolded, and what its last button told stays, unless the card is
 * about something else now.
 */
export function refill(section, ...children) {
  const unfolded = new Map([...section.querySelectorAll('details')].map((one) => [nameOf(one), one.open]));
  const told = section.querySelector(':scope > .told');
  const title = titleOf(section);
  fill(section, ...children);
  for (const one of section.querySelectorAll('details')) one.open = unfolded.get(nameOf(one)) ?? one.open;
  if (told && title === titleOf(section)) section.append(told);
}

const nameOf = (details) => details.querySelector('summary')?.textContent;

const titleOf = (section) => section.querySelector('h2')?.textContent;

const timesOf = ({ expected, found }) => ({ expected: beijing(expected), found: beijing(found) });
