/** The desk before the lock: the checklist, who is there, looking up numbers, digits for the seed. */

import { make } from '../page/dom.mjs';
import { button, panel } from './parts.mjs';
import { clock, day } from './time.mjs';
import { roleName, say, told } from './words.mjs';

const MARKS = { ok: '✔', warn: '!', fail: '✘', unknown: '?' };

const line = (state, sentence, mend) =>
  make('li', { class: state }, make('b', { 'aria-hidden': 'true' }, MARKS[state]), make('span', { class: 'unseen' }, say(`finding-${state}`)), ' ', sentence, mend && state !== 'ok' && make('pre', {}, mend));

/** Of the draw itself: who is listed, who must not meet, who is there, and whether it could be announced as it stands. */
function ready({ registries, recusals, beacon, ahead, present: there, examined, tried }) {
  const count = there.reduce((sum, [, some]) => sum + some, 0);
  return [
    ...registries.map(({ role, id, rows }) => ['ok', say('ready-registry', { registry: say(`of-${role}`), id, count: rows })]),
    recusals === null ? ['fail', say('ready-recusals-bad')] : ['ok', say('ready-recusals', { count: recusals })],
    ...beacon.map(({ chain, at }) => ['ok', ahead === null ? say('ready-round', { chain, time: `${day(at)} ${clock(at)}` }) : say('ready-round-after', { chain, count: ahead })]),
    [count ? 'ok' : 'warn', say('ready-present', { count })],
    ...(examined === null ? [] : [tried ? ['fail', say('ready-refused', { reason: told(tried) })] : ['ok', say('ready-announce')]]),
  ];
}

const ORDER = ['fail', 'warn', 'unknown', 'ok'];

/** What has to be ready, and what `fairdraw doctor` finds, with the command that mends it, first what is not in order. */
export function checklist(desk) {
  const { findings, examined } = desk.state;
  const found = ORDER.flatMap((state) => findings.filter((one) => one.state === state));
  const all = [...ready(desk.state), ...found.map((one) => [one.state, told(one), one.mend])];
  return panel(
    'checklist',
    make('ul', { class: 'findings' }, all.map((one) => line(...one))),
    examined === null && make('p', {}, say('examining')),
    make('p', { class: 'actions' }, button('examine', '', say('examine'), () => desk.do('examine'))),
  );
}

export function present(desk) {
  const { roles, present: there } = desk.state;
  const counts = new Map(there);
  return panel(
    'present',
    make('p', {}, say('present-how')),
    make(
      'ul',
      { class: 'roles' },
      roles.map((role) => {
        const count = counts.get(role) ?? 0;
        const set = (by) => desk.do('present', { role, count: Math.max(0, count + by) });
        return make(
          'li',
          {},
          make('span', {}, roleName(role)),
          button(`less-${role}`, '', '−', () => set(-1), { disabled: count === 0, 'aria-label': say('less', { role: roleName(role) }) }),
          make('b', { class: 'digits' }, String(count)),
          button(`more-${role}`, '', '+', () => set(1), { 'aria-label': say('more', { role: roleName(role) }) }),
        );
      }),
    ),
  );
}

export function looking(desk) {
  const { looked } = desk.state;
  const role = make('select', { id: 'look-role' }, ['objects', 'inspectors'].map((one) => make('option', { value: one, selected: looked?.role === one }, say(`of-${one}`))));
  const no = make('input', { id: 'look', maxlength: 40, autocomplete: 'off', spellcheck: 'false' });
  const form = make(
    'form',
    { on: { submit: (event) => { event.preventDefault(); desk.do('look', { role: role.value, no: no.value }); } } },
    make('label', { for: 'look-role' }, say('look-role')),
    role,
    make('label', { for: 'look' }, say('look-no'), ' ', make('kbd', {}, '/')),
    no,
    make('button', { type: 'submit', class: 'main' }, say('look-go'), ' ', make('kbd', {}, 'Enter')),
    looked && button('look-clear', '', say('look-clear'), () => desk.do('look', { role: 'objects', no: '' })),
  );
  return panel(
    'look',
    make('p', {}, say('look-how')),
    form,
    looked && make('p', { role: 'status' }, looked.no, ' · ', looked.row ? say('found', looked) : say('not-found', { registry: say(`of-${looked.role}`) })),
  );
}

export function digits(desk) {
  const { digits: had, roles, present: there } = desk.state;
  const known = [...new Set([...there.map(([role]) => role), ...roles])];
  const role = make('select', { id: 'digits-role' }, known.map((one) => make('option', { value: one }, roleName(one))));
  const field = make('input', { id: 'digits', maxlength: 40, pattern: '[0-9A-Za-z]*', autocomplete: 'off', inputmode: 'numeric' });
  return panel(
    'digits',
    make('p', {}, say('digits-how')),
    make(
      'form',
      { on: { submit: (event) => { event.preventDefault(); desk.do('digits', { role: role.value, digits: field.value }); } } },
      make('label', { for: 'digits-role' }, say('digits-role')),
      role,
      make('label', { for: 'digits' }, say('digits-field'), ' ', make('kbd', {}, 'D')),
      field,
      make('button', { type: 'submit' }, say('digits-go'), ' ', make('kbd', {}, 'Enter')),
      button('undo-digits', '', say('digits-undo'), () => desk.do('undo-digits'), { disabled: !had.length }),
    ),
    had.length > 0 && make('ul', { class: 'chips' }, had.map(([who, told]) => make('li', {}, roleName(who), ' ', make('b', { class: 'digits' }, told)))),
  );
}
