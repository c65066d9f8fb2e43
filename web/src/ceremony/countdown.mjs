/**
 * The countdown. The numbers that roll mean nothing, and the screen says so: what will be drawn depends on a value that
 * nobody has yet. Whoever asks the system for less motion sees them stand.
 */

import { fill, make } from '../page/dom.mjs';
import { roundName } from './rounds.mjs';
import { clock, day, left, now } from './time.mjs';
import { say } from './words.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const AROUND = 2 * Math.PI * 46;
const ROLLING = 5;
const TURN = 90; // milliseconds

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Of a state what this screen shows: while that stays, the ring goes on. */
export const shows = ({ announced: { rounds, due }, trouble, rehearsal }) => [rounds, due, trouble, rehearsal];

export function run(main, state) {
  const said = state.announced;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const ring = svg('circle', { class: 'run', cx: 50, cy: 50, r: 46, 'stroke-dasharray': AROUND });
  const drawing = svg('svg', { viewBox: '0 0 100 100', 'aria-hidden': 'true' });
  drawing.append(svg('circle', { class: 'rail', cx: 50, cy: 50, r: 46 }), ring);
  const figure = make('p', { class: 'left number', role: 'timer' });
  const rolling = Array.from({ length: ROLLING }, () => make('li', { class: 'number' }, '––––'));
  const word = make('p', { class: 'wait', role: 'status' });
  fill(
    main,
    make(
      'div',
      { class: 'waiting' },
      make('div', { class: 'ring' }, drawing, figure),
      make(
        'div',
        {},
        said.rounds.map(({ chain, round, due }) =>
          make('p', { class: 'round' }, roundName(chain, round), day(due) !== day(now()) && ` · ${day(due)}`, make('b', { class: 'number' }, clock(due))),
        ),
        word,
      ),
    ),
    make('ul', { class: 'rolling', 'aria-hidden': 'true' }, rolling),
    make('p', { class: 'lead' }, say(state.rehearsal ? 'rolling-rehearsal' : 'rolling')),
  );
  const from = now();
  const whole = Math.max(1, said.due - from);

  function turn() {
    const rest = said.due - now();
    figure.textContent = left(rest);
    ring.setAttribute('stroke-dashoffset', AROUND * (1 - Math.min(1, Math.max(0, rest / whole))));
    const unknown = state.rehearsal ? 'known-in-rehearsal' : 'nobody-knows';
    const usual = rest > 0 ? unknown : said.rounds.some(({ randomness }) => !randomness) ? 'due-now' : 'drawing';
    word.textContent = say(state.trouble ? `trouble-${state.trouble}` : usual);
    word.classList.toggle('late', Boolean(state.trouble));
  }
  function roll() {
    for (const one of rolling) {
      const place = Math.floor(Math.random() * 10_000); // for show, and the caption says so
      one.textContent = String(place).padStart(4, '0').replace(/^(.)../, '$1––');
    }
  }
  turn();
  const timers = [setInterval(turn, 200)];
  if (!calm) timers.push(setInterval(roll, TURN));
  return () => timers.forEach(clearInterval);
}
