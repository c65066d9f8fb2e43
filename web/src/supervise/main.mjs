/** A supervisor's phone, as one page: src/supervise/phone.mjs does, and this shows. */

import sections from 'fairdraw:words';

import { hash, fill, make } from '../page/dom.mjs';
import { offerLanguages } from '../page/language.mjs';
import { servedBy } from '../page/server.mjs';
import { Verifier, faultText } from '../page/verifier.mjs';
import { Words } from '../page/words.mjs';
import { handAll, logCard, mattersCard, saidCard, seedsCard } from './deeds.mjs';
import { canHold } from './keys.mjs';
import { enrolmentCard, evidenceCard, invitationCard, ownDigest, ownerCard, troubleCard } from './owner.mjs';
import { Phone } from './phone.mjs';
import { openStore } from './store.mjs';
import { Ui } from './ui.mjs';

/* global fairdrawCore */ // src/worker.mjs as one function; the build puts it before this file

const place = (id) => document.getElementById(id);
const CARDS = ['who', 'invitation-card', 'enrolment-card', 'log-card', 'matters-card', 'seeds-card', 'said-card', 'trouble-card'];

class Page {
  constructor(words, phone, holds) {
    this.phone = phone;
    this.holds = holds;
    this.chosen = null;
    this.ui = new Ui(words, () => this.draw());
  }

  /** Show everything as it is now. */
  async draw() {
    const { phone, ui, holds } = this;
    await phone.load();
    const origin = this.#origin();
    evidenceCard(place('alarms'), phone, ui);
    if (phone.person) fill(place('notice'));
    ownerCard(place('who'), phone, ui, holds);
    this.#only(Boolean(phone.person), ['invitation-card']) && invitationCard(place('invitation-card'), phone, ui);
    const read = phone.histories.has(origin);
    const ready = Boolean(phone.person && origin && !phone.locked);
    if (this.#only(ready, CARDS.slice(2))) {
      await enrolmentCard(place('enrolment-card'), phone, ui, origin);
      await logCard(place('log-card'), phone, ui, origin);
      await mattersCard(place('matters-card'), phone, ui, origin, () => this.#handed(origin));
      if (this.#only(read, ['seeds-card'])) seedsCard(place('seeds-card'), phone, ui, origin, () => this.#handed(origin));
      await saidCard(place('said-card'), phone, ui, origin);
      troubleCard(place('trouble-card'), phone, ui, origin, () => this.#handed(origin));
    }
    this.#logs();
  }

  /** Hand in what was just said; what came of it stands with the statements. */
  async #handed(origin) {
    const told = await handAll(this.phone, this.ui, origin);
    const card = place('said-card');
    const below = card.querySelector(':scope > .told') ?? card.appendChild(make('div', { class: 'told', role: 'status' }));
    fill(below, told);
    card.scrollIntoView({ block: 'nearest' });
    return null;
  }

  #only(when, ids) {
    for (const id of ids) place(id).hidden = !when;
    return when;
  }

  #origin() {
    const names = this.phone.logs.map(({ log }) => log.name);
    if (!names.includes(this.chosen)) this.chosen = names[0] ?? null;
    return this.chosen;
  }

  /** With more than one log a choice; the newest invitation is shown first. */
  #logs() {
    const { phone, ui } = this;
    const names = phone.logs.map(({ log }) => log.name);
    const choose = make(
      'select',
      { id: 'which', on: { change: (event) => ((this.chosen = event.target.value), this.draw()) } },
      names.map((name) => make('option', { value: name, selected: name === this.chosen }, name)),
    );
    fill(place('logs'), names.length > 1 && [make('label', { for: 'which' }, ui.say('which-log')), choose]);
  }

  /** The camera opened this page with an invitation behind the `#`. */
  async takeFragment() {
    const fragment = location.hash;
    if (!/^#i=/.test(fragment)) return;
    history.replaceState(null, '', location.pathname + location.search);
    // Whoever opened this window may change what stands behind the `#`, also between comparing and pressing.
    if (this.phone.pending) return fill(place('notice'), this.ui.p('invitation-pending', {}, { class: 'warning' }));
    try {
      this.phone.readInvitation(fragment);
      fill(place('notice'), !this.phone.person && this.ui.p('invitation-waits'));
      await this.draw();
    } catch (error) {
      fill(place('notice'), this.ui.failed(error));
    }
  }

  async whoServes() {
    fill(place('served'), make('p', { class: 'note' }, this.ui.say('served'), ' ', servedBy(this.ui.words)));
    const digest = await ownDigest();
    if (digest) place('served').append(make('p', { class: 'note' }, 'SHA-256 ', hash(digest)));
  }
}

async function start() {
  offerLanguages();
  const words = new Words(sections);
  const notice = place('notice');
  if (window.top !== window) {
    // In a frame of somebody else's page its buttons could lie below other words.
    fill(place('fairdraw'), new Page(words, null, false).ui.p('framed', {}, { class: 'warning' }));
    return;
  }
  try {
    const store = await openStore();
    const page = new Page(words, new Phone(store, new Verifier(fairdrawCore)), await canHold(store));
    await page.draw();
    window.addEventListener('hashchange', () => page.takeFragment());
    await page.takeFragment();
    await page.whoServes();
  } catch (error) {
    const { ui } = new Page(words, null, false);
    fill(notice, ui.failed(error), make('pre', {}, faultText(error)));
  }
  document.documentElement.dataset.ready = 'true';
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
