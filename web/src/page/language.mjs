/** Which of the two languages is shown. Both are in the page; `html[data-lang]` hides the other one. */

import { make } from './dom.mjs';
import { recall, keep } from './memory.mjs';

const KEY = 'fairdraw-language';
const NAMES = [
  ['zh', '中文'],
  ['en', 'English'],
];

/** The language to begin with: the reader's last choice, else that of the browser if it is one of the two. */
const preferred = () => {
  const kept = recall(KEY);
  if (kept === 'zh' || kept === 'en') return kept;
  return (navigator.languages ?? [navigator.language]).some((tag) => /^zh\b/i.test(tag)) ? 'zh' : 'en';
};

export const language = () => document.documentElement.dataset.lang;

/**
 * Show one language from now on. Option texts and the title cannot hold two, so listeners of `languagechange` set them.
 */
function choose(lang) {
  const root = document.documentElement;
  root.dataset.lang = lang;
  root.lang = lang === 'zh' ? 'zh-CN' : 'en';
  for (const button of document.querySelectorAll('.languages button')) {
    button.setAttribute('aria-pressed', String(button.dataset.choose === lang));
  }
  document.dispatchEvent(new CustomEvent('fairdraw:language', { detail: lang }));
}

/** Put the switch into the page's header and choose. */
export function offerLanguages() {
  const buttons = NAMES.map(([lang, name]) =>
    make(
      'button',
      {
        type: 'button',
        lang: lang === 'zh' ? 'zh-CN' : 'en-GB',
        data: { choose: lang },
        on: {
          click: () => {
            keep(KEY, lang);
            choose(lang);
          },
        },
      },
      name,
    ),
  );
  const header = document.querySelector('body > header') ?? document.body;
  header.append(make('div', { class: 'languages', role: 'group' }, buttons));
  choose(preferred());
}
