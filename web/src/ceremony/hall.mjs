/** The page that is projected: it shows, and nobody can do anything with it but choose its language. */

import { fill, make } from '../page/dom.mjs';
import { get, poll } from './polling.mjs';
import * as countdown from './countdown.mjs';
import * as reveal from './reveal.mjs';
import { screens } from './screens.mjs';
import { clock, day, now } from './time.mjs';
import { language, say, speak } from './words.mjs';

const STEPS = ['prepare', 'check', 'lock', 'cosign', 'countdown', 'reveal', 'print', 'sign', 'done'];
const LIVE = { countdown, reveal };

/** What the desk says at a path; an answer that is none counts as silence, and what was shown last stays. */
async function heard(path) {
  const { ok, answer } = await get(path);
  if (!ok) throw new TypeError(path);
  return answer;
}

export function startHall() {
  const parts = {
    head: make('header', { class: 'head' }),
    main: make('main', { class: 'hall', tabindex: -1 }),
    foot: make('footer', { class: 'foot' }),
    lost: make('p', { class: 'lost', role: 'alert', hidden: true }),
  };
  document.documentElement.classList.add('for-hall');
  document.body.classList.add('projected');
  document.body.append(parts.head, parts.main, parts.foot, parts.lost);
  let own = null; // the language chosen on this screen, where it is not the desk's
  let stop = () => {};
  let numbers = { of: null, told: [] };
  let last = null;
  let lived = null; // what the live screen that is running shows

  async function show(state) {
    speak(own ?? state.lang);
    if (state.drawn && !state.drawn.sealed && numbers.of !== state.drawn.text) {
      numbers = { of: state.drawn.text, told: (await heard('/numbers')).numbers };
    }
    last = state;
    document.title = `${say(`step-${state.screen}`)} · ${say('title')}`;
    fill(parts.head, head(state));
    fill(parts.foot, foot(state));
    parts.main.dataset.screen = state.screen;
    const live = LIVE[state.screen];
    const key = live && JSON.stringify([language(), state.screen, live.shows(state)]);
    if (live && key === lived) return; // a witness that signs turns back neither the ring nor a page
    lived = key;
    stop();
    stop = live ? live.run(parts.main, state, numbers.told) : still(parts.main, state);
    fit(parts.main);
  }

  function still(main, state) {
    fill(main, screens[state.screen](state));
    return () => {};
  }

  poll(
    () => heard('/state'),
    show,
    (silent) => {
      parts.lost.hidden = !silent;
      parts.lost.textContent = silent ? say('lost') : '';
    },
  );
  setInterval(() => {
    for (const place of document.querySelectorAll('[data-clock]')) place.textContent = clock(now());
  }, 250);
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() === 'e' && !event.ctrlKey && !event.metaKey && !event.altKey && last) {
      own = language() === 'zh' ? 'en' : 'zh';
      show(last);
    }
  });
}

const TIGHTER = ['tight', 'tighter'];

/** Take room from words and gaps where a screen is full: the numbers to compare keep their size. */
function fit(main) {
  main.classList.remove(...TIGHTER);
  for (const step of TIGHTER) if (main.scrollHeight > main.clientHeight) main.classList.add(step);
}

/** Who draws what, and where in the order of things one is. */
function head(state) {
  const at = STEPS.indexOf(state.screen);
  return [
    make(
      'div',
      { class: 'what' },
      make('h1', {}, say('title')),
      make('p', {}, state.bureau, ' · ', state.name),
      state.rehearsal && make('strong', { class: 'rehearsal' }, say('rehearsal')),
    ),
    at >= 0 &&
      make(
        'ol',
        { class: 'steps', 'aria-label': say('steps') },
        STEPS.map((step, place) =>
          make(
            'li',
            { class: place < at ? 'over' : place === at ? 'here' : 'ahead', 'aria-current': place === at && 'step' },
            say(`step-${step}`),
          ),
        ),
      ),
  ];
}

function foot(state) {
  const said = state.drawn ?? state.announced;
  return [
    make('span', {}, day(now()), ' ', make('span', { 'data-clock': true, class: 'digits' }, clock(now())), ' ', say('beijing')),
    said && make('span', {}, say(state.drawn ? 'print-of-draw' : 'print-of-announcement'), ' ', make('b', { class: 'digits' }, said.fingerprint)),
  ];
}

