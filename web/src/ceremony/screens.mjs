/** What the hall sees at each step that does not move by itself. Numbers only: no name is ever sent to this page. */

import { make } from '../page/dom.mjs';
import { clock } from './time.mjs';
import { roleName, say } from './words.mjs';

const lead = (...told) => make('p', { class: 'lead' }, ...told);
const group = (...told) => make('div', { class: 'group' }, ...told);
const big = (...told) => make('p', { class: 'big' }, ...told);
const mark = (holds) => make('span', { class: holds ? 'mark holds' : 'mark waits', 'aria-hidden': 'true' }, holds ? '✔' : '…');

/** A row of figures, each with what it counts. */
const figures = (list) =>
  make('dl', { class: 'figures' }, list.map(([name, figure]) => make('div', {}, make('dt', {}, name), make('dd', { class: 'number' }, figure))));

const registries = (state) =>
  figures([
    ...state.registries.map(({ role, id, rows }) => [`${say(`of-${role}`)} ${id}`, String(rows)]),
    [say('recusals'), state.recusals === null ? '–' : String(state.recusals)],
  ]);

function present(state) {
  if (!state.present.length) return lead(say('nobody-yet'));
  return make('ul', { class: 'chips' }, state.present.map(([role, count]) => make('li', {}, mark(true), roleName(role), make('b', {}, ` ${count}`))));
}

function prepare(state) {
  return [big(say('prepare-title')), registries(state), make('div', { class: 'beside' }, group(make('h2', {}, say('present')), present(state)), state.phones && phones())];
}

const SHORT = 16; // characters of a number that is shown in the largest size

function check(state) {
  const { looked } = state;
  return [
    big(say('check-title')),
    looked
      ? make(
          'div',
          { class: `looked ${looked.row ? 'holds' : 'fails'}`, role: 'status' },
          make('p', { class: looked.no.length > SHORT ? 'number long' : 'number' }, looked.no),
          make('p', { class: 'answer' }, looked.row ? say('found', looked) : say('not-found', { registry: say(`of-${looked.role}`) })),
        )
      : registries(state),
    state.committed ? lead(say('seeds-committed')) : group(
      make('h2', {}, say('digits-title')),
      state.digits.length
        ? make('ul', { class: 'chips' }, state.digits.map(([role, digits]) => make('li', {}, roleName(role), make('b', { class: 'digits' }, ` ${digits}`))))
        : lead(say('digits-none')),
      lead(say('digits-why')),
    ),
  ];
}

/** The 20 digits that everybody compares. */
export const fingerprint = (text) =>
  make('p', { class: 'fingerprint number', 'aria-label': text }, text.split(' ').map((group) => make('span', {}, group)));

const whole = ({ text }) => make('div', {}, lead(say('whole-hash')), make('p', { class: 'hash' }, text.slice(0, 32), ' ', text.slice(32)));

const code = (of, caption) =>
  make('figure', { class: 'code' }, make('img', { src: `/qr/draw?${of.text}`, alt: caption }), make('figcaption', {}, caption));

/** Where supervisors find the page for their telephones. */
const phones = () => make('figure', { class: 'code' }, make('img', { src: '/qr/phones', alt: say('scan-phones') }), make('figcaption', {}, say('scan-phones')));

function lock(state) {
  const said = state.announced;
  return [
    big(say('lock-title')),
    fingerprint(said.fingerprint),
    make('div', { class: 'beside' }, whole(said), state.phones ? phones() : code(said, say('scan-announcement'))),
    lead(say('lock-why')),
  ];
}

const FEW = 6; // of which each has a line that can be read from the last row

function cosign(state) {
  const said = state.announced;
  const count = said.cosigners.filter(({ time }) => time !== null).length;
  return [
    big(say('cosign-title')),
    figures([
      [say('cosigned'), `${count}/${said.cosigners.length}`],
      [say('needed'), String(said.needed)],
      [say('limit'), clock(said.limit)],
    ]),
    make(
      'ul',
      { class: said.cosigners.length > FEW ? 'witnesses many' : 'witnesses' },
      said.cosigners.map(({ name, time }) => make('li', { class: time === null ? 'waits' : 'holds' }, mark(time !== null), name, ' ', make('span', {}, time === null ? say('not-yet') : time ? clock(time) : say('signed')))),
      said.pending.map(({ kind, found, needed, settled }) => make('li', { class: settled ? 'holds' : 'waits' }, mark(settled), say(kind, { found, needed }))),
    ),
    lead(say(said.witnessed !== null && said.pending.every(({ settled }) => settled) ? 'cosign-done' : 'cosign-why')),
  ];
}

function print(state) {
  return [big(say('print-title')), fingerprint(state.drawn.fingerprint), lead(say('print-why'))];
}

function sign(state) {
  const roles = [...new Set([...state.present.map(([role]) => role), ...state.signed])];
  return [
    big(say('sign-title')),
    fingerprint(state.drawn.fingerprint),
    make(
      'ul',
      { class: 'witnesses' },
      roles.map((role) => make('li', { class: state.signed.includes(role) ? 'holds' : 'waits' }, mark(state.signed.includes(role)), roleName(role), ' ', make('span', {}, say(state.signed.includes(role) ? 'signed' : 'not-yet')))),
    ),
    state.drawn.scans > 0 && lead(say('scans', { count: state.drawn.scans })),
  ];
}

function done(state) {
  const { drawn } = state;
  return [
    big(say('done-title')),
    fingerprint(drawn.fingerprint),
    make('div', { class: 'beside' }, whole(drawn), code(drawn, say('scan-draw'))),
    lead(say(drawn.final ? 'done-why' : 'trouble-not-final')),
  ];
}

function failed(state) {
  return [big(say('failed-title')), lead(say('failed-why', { time: clock(state.announced.limit) })), lead(say('again-why'))];
}

function voided(state) {
  return [big(say('voided-title')), make('p', { class: 'number small' }, state.voided), lead(say('again-why'))];
}

export const screens = { prepare, check, lock, cosign, print, sign, done, failed, voided };
