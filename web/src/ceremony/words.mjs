/** Sentences of the ceremony's pages. The hall reads one language at a time: two would halve the size of the letters. */

import sections from 'fairdraw:words';

import { Catalogue } from '../core/words.mjs';

const catalogues = { zh: new Catalogue('zh', sections.zh), en: new Catalogue('en', sections.en) };
let lang = 'zh';

export function speak(language) {
  lang = language in catalogues ? language : 'zh';
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
}

export const language = () => lang;

/** A sentence of the ceremony. */
export const say = (code, params = {}) => catalogues[lang].say('hall', code, params);

/** What a role of a supervisor is called; a word that no regulation knows stands as it is. */
export const roleName = (role) => (catalogues[lang].has('role', role) ? catalogues[lang].say('role', role) : role);

/** A sentence that came from the program in both languages. */
export const told = (both) => both[lang] ?? both.zh;
