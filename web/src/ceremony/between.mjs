/** The desk between lock and draw: who has cosigned, how the round comes, and how it is carried in if it does not. */

import { make } from '../page/dom.mjs';
import { button, panel } from './parts.mjs';
import { roundName, validity } from './rounds.mjs';
import { clock, day } from './time.mjs';
import { say } from './words.mjs';

export function witnesses(desk) {
  const said = desk.state.announced;
  return panel(
    'witnesses',
    make('p', {}, say('print-of-announcement'), ' ', make('b', { class: 'digits' }, said.fingerprint)),
    make(
      'ul',
      { class: 'findings' },
      said.cosigners.map(({ name, time }) => make('li', { class: time === null ? 'unknown' : 'ok' }, make('b', { 'aria-hidden': 'true' }, time === null ? '…' : '✔'), ' ', name, ' ', time === null ? say('not-yet') : time ? clock(time) : say('signed'))),
      said.pending.map(({ kind, found, needed, settled }) => make('li', { class: settled ? 'ok' : 'unknown' }, say(kind, { found, needed }))),
    ),
    desk.state.screen !== 'failed' &&
      said.pending.some(({ kind, settled }) => kind === 'reveals' && !settled) && [
        make('p', {}, say('close-seeds')),
        make('p', { class: 'actions' }, button('close-seeds', 'C', say('close-seeds-go'), () => desk.do('close-seeds'))),
      ],
    make('p', {}, say('needed'), ` ${said.needed} · `, say('limit'), ` ${clock(said.limit)}`),
  );
}

export function waiting(desk) {
  const { announced, relays, trouble } = desk.state;
  return panel(
    'waiting',
    announced.rounds.map(({ chain, round, due, randomness }) => make('p', {}, roundName(chain, round), ` · ${day(due)} ${clock(due)} · `, randomness ? validity(chain) : say('not-here'))),
    trouble && make('p', { class: 'late' }, say(`trouble-${trouble}`)),
    relays.length > 0 && make('details', {}, make('summary', {}, say('relays')), make('ul', {}, relays.map(([relay, reason]) => make('li', {}, `${relay}: ${reason}`)))),
  );
}

/** Bring the same round in by hand: whoever carries it need not be trusted, for it is verified here. */
export function pulse(desk) {
  const field = make('textarea', { id: 'pulse', rows: 4, spellcheck: 'false', autocomplete: 'off' });
  const file = make('input', { id: 'pulse-file', type: 'file', accept: '.json,.txt,application/json,text/plain' });
  const bring = (text) => desk.do('pulse', { text });
  file.addEventListener('change', async () => {
    if (file.files[0]) await bring(await file.files[0].text());
    file.value = '';
  });
  return panel(
    'pulse',
    make('p', {}, say('pulse-how')),
    make(
      'form',
      { on: { submit: (event) => { event.preventDefault(); bring(field.value); } } },
      make('label', { for: 'pulse' }, say('pulse-text')),
      field,
      make('button', { type: 'submit', class: 'main' }, say('pulse-go')),
      make('label', { for: 'pulse-file' }, say('pulse-file')),
      file,
    ),
  );
}

/** Take in what a department or a second person has signed beside the bureau. */
export function cosigned(desk) {
  const file = make('input', { id: 'cosigned', type: 'file', accept: '.note,text/plain' });
  file.addEventListener('change', async () => {
    if (file.files[0]) await desk.do('cosigned', { text: await file.files[0].text() });
    file.value = '';
  });
  return panel('cosigned', make('p', {}, say('cosigned-how')), make('label', { for: 'cosigned' }, say('cosigned-file')), file);
}
