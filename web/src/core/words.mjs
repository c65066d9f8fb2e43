/**
 * Sentences for people: a code and its parameters become words, from templates of one language that are kept apart.
 *
 * A template has plain `{name}` fields and nothing else, and is filled in one pass: a parameter may come from a
 * stranger's file, and a field inside it stays what it is.
 */

import { toHex } from './encoding.mjs';

const FIELD = /\{([a-z][a-z0-9_]*)\}/g;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const MAX_SHOWN = 400; // characters of one parameter: a file given by mistake must not be poured out

/** A text with its unseen characters written out: else a stranger's file could turn a line round, and the verdict. */
export const visible = (text) => text.replace(UNSEEN, (unseen) => `\\u{${unseen.codePointAt(0).toString(16)}}`);

/** The names of a template's fields. */
export const fields = (template) => new Set(Array.from(template.matchAll(FIELD), ([, name]) => name));

/** The sentences of one language: templates by section (`error`, or in two parts `check.seed`) and code. */
export class Catalogue {
  /**
   * @param {string} lang
   * @param {Record<string, Record<string, string>>} sections
   */
  constructor(lang, sections) {
    this.lang = lang;
    this.sections = new Map(
      Object.entries(sections).map(([section, templates]) => [section, new Map(Object.entries(templates))]),
    );
  }

  /** Whether there is a sentence for a code. */
  has(section, code) {
    return this.sections.get(section)?.has(code) ?? false;
  }

  /** A sentence; an unknown code is its own, followed by its parameters. */
  say(section, code, params = {}) {
    const template = this.sections.get(section)?.get(code);
    if (template === undefined) return visible(code) + this.#beside(Object.entries(params));
    return template.replace(FIELD, (_, name) => (Object.hasOwn(params, name) ? this.show(params[name]) : '?'));
  }

  /** A sentence, and after it, by name, every parameter that it does not mention. */
  tell(section, code, params = {}) {
    const told = this.say(section, code, params);
    const template = this.sections.get(section)?.get(code);
    if (template === undefined) return told;
    const named = fields(template);
    return told + this.#beside(Object.entries(params).filter(([name]) => !named.has(name)));
  }

  /** The sentence of a refusal. */
  error({ code, params }) {
    return this.tell('error', code, params);
  }

  /** Why a check fails or is not possible: a reason of the checks, or an error that flowed into one. */
  reason(code, evidence = {}) {
    return this.tell(this.has('reason', code) ? 'reason' : 'error', code, evidence);
  }

  /**
   * A check in words; `state` is "holds", "fails", "unknown" or "not-asked". A slip's checks see one row, and where
   * they say less than a bundle's, `slip.<code>` has their sentences.
   * @returns {{title: string, says: string, why: string, do: string}} `why` and `do` may be empty
   */
  check(code, state, reason = '', evidence = {}, { kind = 'bundle' } = {}) {
    const section = this.sections.has(`${kind}.${code}`) ? `${kind}.${code}` : `check.${code}`;
    const asksForMore = state === 'fails' || state === 'unknown';
    return {
      title: this.has(section, 'title') ? this.say(section, 'title') : visible(code),
      says: state === 'not-asked' ? this.say('word', 'not-asked') : this.say(section, state),
      why: reason ? this.reason(reason, evidence) : '',
      do: asksForMore && this.has(section, 'do') ? this.say(section, 'do') : '',
    };
  }

  /** A parameter's value as people read it. */
  show(value) {
    if (value === null || value === undefined) return this.say('word', 'none');
    if (typeof value === 'boolean') return this.say('word', value ? 'yes' : 'no');
    if (value instanceof Uint8Array) return toHex(value);
    if (Array.isArray(value)) return this.#joined(value.map((item) => this.#shown(item)));
    if (typeof value === 'object') {
      const parts = value instanceof Map ? [...value] : Object.entries(value);
      return this.#joined(parts.map(([name, item]) => `${this.say('field', name)} ${this.show(item)}`));
    }
    const told = Array.from(visible(String(value)));
    return told.length <= MAX_SHOWN ? told.join('') : `${told.slice(0, MAX_SHOWN).join('')}…`;
  }

  /** Parameters by name, each with its value. */
  listed(params) {
    return this.#told(Object.entries(params));
  }

  /** A mark of this language's punctuation, from the section `mark`. */
  mark(code) {
    return this.sections.get('mark')?.get(code) ?? ' ';
  }

  /** An item of a list; what is a list itself, as the pair of object and inspector, is told in one breath. */
  #shown(item) {
    return Array.isArray(item) ? item.map((part) => this.show(part)).join(' ') : this.show(item);
  }

  #told(entries) {
    return entries.map(([name, value]) => `${this.say('field', name)} ${this.show(value)}`).join(this.mark('between'));
  }

  #joined(items) {
    return items.join(this.mark('and')) || this.say('word', 'none');
  }

  #beside(entries) {
    return entries.length ? this.mark('open') + this.#told(entries) + this.mark('close') : '';
  }
}
