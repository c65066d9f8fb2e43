/** The desk's panels: at each step those that are of use, each drawn anew only when what it shows has changed. */

import { make } from '../page/dom.mjs';
import { checklist, digits, looking, present } from './before.mjs';
import { cosigned, pulse, waiting, witnesses } from './between.mjs';
import { paper, scan, signing } from './later.mjs';
import { button, panel } from './parts.mjs';
import { clock } from './time.mjs';
import { say, told } from './words.mjs';

/** Every panel of the present step: `{name, key, build}`. */
export function panels(desk) {
  const { state } = desk;
  const { screen } = state;
  const at = (...steps) => steps.includes(screen);
  const list = [{ name: 'step', key: [screen, state.skips, state.next, state.back, state.trouble, state.page, state.waiting, state.announced?.limit, state.reason_to_void, state.voided, state.drawn?.final, desk.pages], build: () => step(desk) }];
  const add = (name, key, build) => list.push({ name, key, build });
  if (state.fault) add('fault', state.fault, () => fault(desk));
  if (at('prepare')) {
    add('present', [state.present, state.roles], () => present(desk));
  }
  if (at('check')) {
    add('look', [state.looked], () => looking(desk));
    if (!state.committed) add('digits', [state.digits], () => digits(desk));
  }
  if (at('prepare', 'check')) add('checklist', [state.findings, state.examined, state.tried, state.registries, state.recusals, state.present], () => checklist(desk));
  if (at('lock', 'cosign', 'countdown', 'failed')) add('witnesses', [state.announced], () => witnesses(desk));
  if (at('countdown')) add('waiting', [state.announced.rounds, state.relays, state.trouble], () => waiting(desk));
  if (at('countdown') && ['late', 'carry'].includes(state.trouble)) add('pulse', [], () => pulse(desk));
  if (at('reveal', 'print', 'sign', 'done')) add('paper', [state.papers, state.folder], () => paper(desk));
  if (at('sign', 'done')) add('signing', [state.present, state.on_paper, state.by_phone], () => signing(desk));
  if (at('sign', 'done')) add('scan', [state.drawn.scans], () => scan(desk));
  if (state.waiting.length || state.trouble === 'second') add('cosigned', [state.waiting], () => cosigned(desk));
  add('screens', [state.hall, state.phones], () => screens(desk));
  add('redraw', [], () => panel('redraw', make('p', {}, say('redraw-why'))));
  return list;
}

/** What comes next, and the one key for it. */
function step(desk) {
  const { state } = desk;
  const moves = state.next !== state.screen;
  const forth =
    state.screen === 'check'
      ? button('lock', 'L', say('lock'), () => desk.ask(say('lock-sure'), say('lock-why'), say('lock-yes'), () => desk.do('lock')), { class: 'main' })
      : button('forth', say('space'), moves ? say('forth', { step: say(`step-${state.next}`) }) : say('forth-none'), () => desk.do('next'), { class: 'main', disabled: !moves });
  return panel(
    'step',
    make('p', { class: 'now' }, say(`do-${state.screen}`)),
    (state.screen === 'failed' || state.trouble === 'exhausted') && voiding(state),
    state.waiting.length > 0 && make('p', {}, say('departments', { names: state.waiting.join('、') })),
    state.screen === 'cosign' && make('p', {}, say('limit-is', { time: clock(state.announced.limit) })),
    make(
      'p',
      { class: 'actions' },
      forth,
      button('back', '←', say('back'), () => desk.do('back'), { disabled: state.back === state.screen }),
      state.skips && button('skip', 'K', say('skip'), () => desk.do('skip')),
      state.screen === 'reveal' && desk.pages > 1 && [
        button('page-back', 'PgUp', say('page-back'), () => desk.do('page', { page: Math.max(0, (state.page ?? 0) - 1) })),
        button('page-next', 'PgDn', say('page-next'), () => desk.do('page', { page: Math.min(desk.pages - 1, (state.page ?? 0) + 1) })),
        button('page-auto', '', say('page-auto'), () => desk.do('page', { page: null })),
      ],
    ),
  );
}

/** How a draw is given up that came too late: by the reason that a machine can check, or by one that its plan names. */
function voiding({ name, reason_to_void: checked, voids, trouble, announced }) {
  const command = (reason) => make('pre', {}, `fairdraw void ${name} --reason ${reason}`);
  if (trouble === 'exhausted' && !announced.sealed) return [make('p', {}, say('do-void')), command('attempts-exhausted')];
  if (checked) return [make('p', {}, say('do-void')), command(checked)];
  if (voids.length) return [make('p', {}, say('do-void-plan')), voids.map(command)];
  return make('p', {}, say('do-void-none'));
}

function fault(desk) {
  const { fault } = desk.state;
  return panel(
    'fault',
    make('p', { role: 'alert' }, told(fault)),
    make('p', {}, say(fault.lasting ? 'fault-lasting' : 'fault-passing')),
    make('p', { class: 'actions' }, button('retry', 'R', say('retry'), () => desk.do('retry'))),
  );
}

/** Where the hall's page and the phones' page are. */
function screens(desk) {
  const { hall, phones } = desk.state;
  const own = `${location.origin}/`;
  return panel(
    'screens',
    make('p', {}, say('screen-own'), ' ', make('a', { href: own, target: '_blank', rel: 'noopener' }, own)),
    hall && make('p', {}, say('screen-hall'), ' ', make('code', {}, hall)),
    phones && make('p', {}, say('screen-phones'), ' ', make('code', {}, phones)),
  );
}
