/**
 * The operator's desk. Everything can be done with keys, the focus is always to be seen, and Escape undoes nothing but a
 * question. The desk shows what can be done now; it has no way to draw again.
 */

import { fill, make } from '../page/dom.mjs';
import { act, entered, forget, look } from './door.mjs';
import { onKeys } from './keys.mjs';
import { panels } from './panels.mjs';
import { get, poll } from './polling.mjs';
import { pagesOf } from './reveal.mjs';
import { clock, now } from './time.mjs';
import { language, say, speak, told } from './words.mjs';

export function startDesk() {
  document.body.classList.add('desk');
  const parts = {
    head: make('header', { class: 'head' }),
    news: make('p', { class: 'news', role: 'alert' }),
    main: make('main', { class: 'panels' }),
    ask: make('dialog', { class: 'ask', 'aria-labelledby': 'ask-title' }),
  };
  document.body.append(parts.head, parts.news, parts.main, parts.ask);
  if (!entered()) {
    speak('zh');
    document.title = say('desk-title');
    fill(parts.head, make('h1', {}, say('desk-title')));
    fill(parts.main, door());
    return;
  }
  let state = null;
  let busy = false;
  const drawn = new Map(); // panels by name, each with the key of what it shows
  let pages = { of: null, count: 1 }; // on which the hall reads the result

  const desk = {
    get state() {
      return state;
    },
    get pages() {
      return pages.count;
    },
    /** Do something; what the desk refuses is said at the top of the page. */
    async do(what, values = {}) {
      if (busy) return false;
      busy = true;
      document.body.classList.add('busy');
      try {
        const { ok, answer } = await act({ do: what, seen: state.screen, ...values });
        desk.refuse(ok ? '' : told(answer.error));
        return ok ? answer : false;
      } catch {
        desk.refuse(say('lost'));
        return false;
      } finally {
        busy = false;
        document.body.classList.remove('busy');
        again();
      }
    },
    /** Say that something was done; what is refused is said in red. */
    tell(sentence) {
      parts.news.textContent = sentence;
      parts.news.classList.add('good');
    },
    refuse(sentence) {
      parts.news.textContent = sentence;
      parts.news.classList.remove('good');
    },
    /** Ask before something that cannot be taken back. Escape is "no". */
    ask(title, text, yes, go) {
      const sure = make('button', { class: 'main', type: 'button', id: 'ask-yes' }, yes);
      const no = make('button', { type: 'button' }, say('no'));
      sure.addEventListener('click', () => {
        parts.ask.close();
        go();
      });
      no.addEventListener('click', () => parts.ask.close());
      fill(parts.ask, make('h2', { id: 'ask-title' }, title), make('p', {}, text), make('p', { class: 'actions' }, sure, no));
      parts.ask.showModal();
      sure.focus();
    },
  };

  async function show(answer) {
    if (answer.error) {
      forget();
      location.reload();
      return;
    }
    if (answer.drawn && !answer.drawn.sealed && pages.of !== answer.drawn.text) {
      const { ok, answer: told } = await get('/numbers');
      if (ok) pages = { of: answer.drawn.text, count: Math.max(1, pagesOf(told.numbers)) };
    }
    state = answer;
    speak(state.lang);
    document.title = `${say('desk-title')} · ${say(`step-${state.screen}`)}`;
    document.body.dataset.screen = state.screen;
    const list = panels(desk);
    const wanted = new Set(list.map(({ name }) => name));
    for (const one of [...parts.main.children]) {
      if (wanted.has(one.dataset.panel)) continue;
      drawn.delete(one.dataset.panel);
      one.remove();
    }
    refresh('head', [state.screen, state.lang, state.name], () => fill(parts.head, head(desk)));
    list.forEach(({ name, key, build }, place) =>
      refresh(name, key, () => {
        const made = make('section', { data: { panel: name }, 'aria-labelledby': `title-${name}` }, build());
        const there = [...parts.main.children];
        const old = there.find((one) => one.dataset.panel === name);
        const behind = new Set(list.slice(place + 1).map((one) => one.name));
        if (old) old.replaceWith(made);
        else parts.main.insertBefore(made, there.find((one) => behind.has(one.dataset.panel)) ?? null);
      }),
    );
  }

  /** Draw a part anew if what it shows has changed, and leave the focus where it was. */
  function refresh(name, key, redraw) {
    const said = JSON.stringify([state.lang, key]);
    if (drawn.get(name) === said) return;
    drawn.set(name, said);
    const focused = document.activeElement?.id;
    redraw();
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  }

  const again = poll(look, show, (silent) => {
    if (silent) desk.refuse(say('lost'));
    else if (parts.news.textContent === say('lost')) parts.news.textContent = '';
  });
  onKeys(desk);
  setInterval(() => {
    for (const place of document.querySelectorAll('[data-clock]')) place.textContent = clock(now());
  }, 250);
}

function head(desk) {
  const { state } = desk;
  const other = language() === 'zh' ? 'en' : 'zh';
  return [
    make('h1', {}, say('desk-title')),
    make('p', {}, `${state.bureau} · ${state.name} · `, make('b', {}, say(`step-${state.screen}`))),
    state.rehearsal && make('strong', { class: 'rehearsal' }, say('rehearsal')),
    make('span', { class: 'digits', 'data-clock': true }, clock(now())),
    make('button', { type: 'button', id: 'language', on: { click: () => desk.do('language', { lang: other }) } }, say('other-language'), ' ', make('kbd', {}, 'E')),
  ];
}

/** Whoever comes without the token is told where it is. */
const door = () => make('section', {}, make('h2', {}, say('door-title')), make('p', {}, say('door-how')));
