/** The result: the random value that was verified, then the numbers, in the order of their tickets. */

import { fill, make } from '../page/dom.mjs';
import { roundName, validity } from './rounds.mjs';
import { say } from './words.mjs';

/** How rows are laid out by their length in characters: numbers never become smaller, but fewer stand on a page. */
const LAYOUTS = [
  { upto: 17, columns: 2, rows: 5, name: 'columns-2' },
  { upto: 31, columns: 1, rows: 5, name: 'columns-1' },
  { upto: Infinity, columns: 1, rows: 2, name: 'stacked' },
];
const DROP = 350; // milliseconds between two numbers
const READ = 9000; // milliseconds for a page

/** The pages of a result, and how its rows are laid out. */
function paged(numbers) {
  const longest = Math.max(0, ...numbers.map((row) => row.join(' ').length));
  const { columns, rows, name } = LAYOUTS.find(({ upto }) => longest <= upto);
  const room = rows * columns;
  const told = [];
  for (let at = 0; at < numbers.length; at += room) told.push(numbers.slice(at, at + room));
  return { name, room, told };
}

/** On how many pages a result stands. */
export const pagesOf = (numbers) => paged(numbers).told.length;

/** Of a state what this screen shows: while that stays, the page that is read is not turned back. */
export const shows = ({ announced: { rounds, sealed }, drawn: { text, count, sealed: hidden }, page }) => [rounds, sealed, text, count, hidden, page];

export function run(main, state, numbers) {
  const { announced, drawn } = state;
  const values = announced.rounds.map(({ chain, round, randomness }) =>
    make(
      'p',
      { class: 'value' },
      roundName(chain, round),
      make('code', {}, randomness ?? ''),
      make('b', { class: 'valid' }, `${validity(chain)} ✔`),
    ),
  );
  if (drawn.sealed) {
    fill(
      main,
      make('div', { class: 'values' }, values),
      make('p', { class: 'big' }, say('sealed-title')),
      make('p', { class: 'number huge' }, String(drawn.count)),
      make('p', { class: 'lead' }, say('sealed-why', { date: announced.sealed ?? '' })),
    );
    return () => {};
  }
  const { name, room, told } = paged(numbers);
  const list = make('ol', { class: `drawn ${name}` });
  const place = make('p', { class: 'place', role: 'status' });
  fill(main, make('div', { class: 'values' }, values), list, place);
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const timers = [];

  function turn(page) {
    const rows = told[page] ?? [];
    fill(
      list,
      rows.map(([no, ...team], at) => {
        const row = make('li', {}, make('b', { class: 'number' }, no), make('span', { class: 'team number' }, team.join(' ')));
        if (!calm) {
          row.classList.add('drop');
          row.style.animationDelay = `${at * DROP}ms`;
        }
        return row;
      }),
    );
    const range = { from: page * room + 1, to: page * room + rows.length, count: drawn.count };
    place.textContent = `${say('place', range)} · ${say('recompute')}`;
  }

  let page = Math.min(state.page ?? 0, Math.max(0, told.length - 1));
  turn(page);
  if (state.page === null && told.length > 1) {
    timers.push(
      setInterval(() => {
        page = (page + 1) % told.length;
        turn(page);
      }, READ),
    );
  }
  return () => timers.forEach(clearInterval);
}
