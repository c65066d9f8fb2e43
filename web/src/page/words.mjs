/** Every sentence in Chinese and English at once; the reader's choice is made by the style sheet (language.mjs). */

import { Catalogue } from '../core/words.mjs';

export class Words {
  /** `sections` are `{zh, en}`: the sections of src/fairdraw/wording/{zh,en}.toml that the build put in. */
  constructor(sections) {
    this.zh = new Catalogue('zh', forPages(sections.zh));
    this.en = new Catalogue('en', forPages(sections.en));
  }

  /** A sentence of any section, in both languages. */
  say(section, code, params = {}) {
    return this.both((catalogue) => catalogue.say(section, code, resolved(params, catalogue.lang)));
  }

  /** A sentence of the pages' own section. */
  page(code, params = {}) {
    return this.say('page', code, params);
  }

  /** What a function makes of each language's catalogue. */
  both(tell) {
    return { zh: tell(this.zh), en: tell(this.en) };
  }

  has(section, code) {
    return this.zh.has(section, code);
  }

  /** A refusal (core/errors.mjs), with every parameter that its sentence does not mention. */
  error({ code, params = {} }) {
    return this.both((catalogue) => catalogue.tell('error', code, params));
  }
}

/** Parameters may themselves be sentences in both languages. */
function resolved(params, lang) {
  const out = {};
  for (const [name, value] of Object.entries(params)) {
    out[name] = value !== null && typeof value === 'object' && lang in value ? value[lang] : value;
  }
  return out;
}

/** What speaks to a reader at a command line is said anew to one in a page: `page.reason`, and `page.do` by check. */
function forPages(sections) {
  const merged = { ...sections, reason: { ...sections.reason, ...sections['page.reason'] } };
  for (const [check, what] of Object.entries(sections['page.do'])) {
    merged[`check.${check}`] = { ...sections[`check.${check}`], do: what };
  }
  return merged;
}
