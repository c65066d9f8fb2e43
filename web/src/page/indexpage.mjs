/**
 * The list of draws: find one by words, state, or item. What the page has is all there is to search; nothing is
 * fetched.
 */

import { fill, make } from './dom.mjs';
import { language } from './language.mjs';

export class IndexPage {
  constructor(words) {
    this.words = words;
    this.table = document.getElementById('draws');
  }

  start() {
    if (!this.table) return;
    this.rows = [...this.table.querySelectorAll('tbody tr')];
    this.count = make('p', { class: 'note', role: 'status', 'aria-live': 'polite' });
    this.text = make('input', {
      id: 'filter-text',
      type: 'search',
      autocomplete: 'off',
      spellcheck: 'false',
      on: { input: () => this.#apply() },
    });
    this.state = this.#choice('state', (value, lang) => badgeName(this.table, value, lang));
    this.item = this.#choice('item', (value) => value);
    const { words } = this;
    const labelled = (code, field) =>
      make('p', {}, make('label', { for: field.id }, words.page(`filter-${code}`)), field);
    const form = document.getElementById('filter') ?? make('form', { id: 'filter' });
    if (!form.isConnected) (this.table.closest('.scroll') ?? this.table).before(form);
    form.setAttribute('role', 'search');
    form.addEventListener('submit', (event) => event.preventDefault());
    fill(form, labelled('text', this.text), labelled('state', this.state), labelled('item', this.item));
    form.after(this.count);
    document.addEventListener('fairdraw:language', () => this.#name());
    this.#name();
    this.#apply();
  }

  /**
   * A list to choose from, of what the rows have; an option holds no elements, so it is named anew for each language.
   */
  #choice(field, nameOf) {
    const values = new Set(this.rows.flatMap((row) => valuesOf(row, field)));
    const select = make(
      'select',
      { id: `filter-${field}`, on: { change: () => this.#apply() } },
      make('option', { value: '' }),
    );
    select.append(...[...values].sort().map((value) => make('option', { value })));
    select.named = (lang) => {
      for (const option of select.options) {
        option.textContent = option.value ? nameOf(option.value, lang) : this.words.page('filter-all')[lang];
      }
    };
    return select;
  }

  #name() {
    for (const select of [this.state, this.item]) select.named(language());
  }

  #apply() {
    const text = this.text.value.normalize('NFKC').trim().toLowerCase();
    let shown = 0;
    for (const row of this.rows) {
      const fits =
        (!text || row.textContent.toLowerCase().includes(text)) &&
        (!this.state.value || valuesOf(row, 'state').includes(this.state.value)) &&
        (!this.item.value || valuesOf(row, 'item').includes(this.item.value));
      row.hidden = !fits;
      if (fits) shown++;
    }
    fill(this.count, this.words.page('filter-count', { count: shown, of: this.rows.length }));
  }
}

/** A row may have several states, and one draw may be for several items. */
const valuesOf = (row, field) => (row.dataset[field] ?? '').split(' ').filter(Boolean);

const badgeName = (table, state, lang) => {
  const badge = [...table.querySelectorAll('.badge')].find(({ dataset }) => dataset.state === state);
  return (badge?.querySelector(`[lang="${lang}"]`) ?? badge)?.textContent ?? state;
};
