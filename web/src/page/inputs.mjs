/** What the reader gives: the file, an own trust file, the log's folder, a time, openings. */

import { fill, hash, make } from './dom.mjs';

/** Read the files of a drop, a choice or a paste as `{bytes, name}`. */
export const readAll = (files) =>
  Promise.all([...files].map(async (file) => ({ bytes: new Uint8Array(await file.arrayBuffer()), name: file.name })));

/** A button that opens the browser's file chooser; `attributes` are those of the input behind it. */
function chooser(label, attributes, chosen, style = '') {
  const input = make('input', {
    type: 'file',
    hidden: true,
    ...attributes,
    on: {
      change: () => {
        const files = [...input.files];
        input.value = ''; // the same file may be chosen again after it was mended
        if (files.length) chosen(files);
      },
    },
  });
  return [make('button', { type: 'button', class: style, on: { click: () => input.click() } }, label), input];
}

export class Inputs {
  /** `on` has `files`, `text`, `folder`, `asOf`, `alone`, `forgetTrust`. */
  constructor(section, words, on) {
    this.words = words;
    this.file = make('p', { class: 'chosen' });
    this.trust = make('div', { class: 'chosen' });
    this.log = make('p', { class: 'chosen' });
    this.openings = make('p', { class: 'chosen' });
    const say = (code, params) => words.page(code, params);
    this.drop = make(
      'div',
      { class: 'drop' },
      make('p', { class: 'big' }, say('drop')),
      make(
        'div',
        { class: 'actions' },
        chooser(
          say('choose-file'),
          { multiple: true, id: 'choose-file' },
          async (files) => on.files(await readAll(files)),
          'main',
        ),
        make('button', { type: 'button', on: { click: () => this.#openPaste() } }, say('paste')),
      ),
      this.#paste(on.text),
      this.file,
      make('p', { class: 'note' }, say('stays-here')),
    );
    this.#dropping(on.files);
    fill(
      section,
      this.drop,
      make(
        'div',
        { class: 'trust' },
        make('h2', {}, words.say('word', 'trust')),
        this.trust,
        make(
          'div',
          { class: 'actions' },
          chooser(say('choose-trust'), { id: 'choose-trust' }, async (files) => on.files(await readAll(files))),
          (this.forget = make(
            'button',
            { type: 'button', hidden: true, on: { click: on.forgetTrust } },
            say('forget-trust'),
          )),
        ),
        make('details', {}, make('summary', {}, say('what-trust')), make('p', {}, say('what-trust-is'))),
      ),
      make(
        'details',
        { class: 'options' },
        make('summary', {}, say('options')),
        make(
          'div',
          { class: 'option' },
          make('h3', {}, say('option-log')),
          make('p', { class: 'note' }, say('option-log-why')),
          make(
            'div',
            { class: 'actions' },
            chooser(say('choose-log'), { webkitdirectory: true, id: 'choose-log' }, on.folder),
          ),
          this.log,
          make(
            'label',
            { class: 'check' },
            make('input', { type: 'checkbox', id: 'alone', on: { change: (event) => on.alone(event.target.checked) } }),
            make('span', {}, say('option-alone')),
          ),
        ),
        make(
          'div',
          { class: 'option' },
          make('h3', {}, make('label', { for: 'as-of' }, say('option-as-of'))),
          make('p', { class: 'note' }, say('option-as-of-why')),
          make('input', {
            id: 'as-of',
            type: 'datetime-local',
            step: '1',
            on: { change: (event) => on.asOf(secondsOf(event.target.value)) },
          }),
        ),
        make(
          'div',
          { class: 'option' },
          make('h3', {}, say('option-openings')),
          make('p', { class: 'note' }, say('option-openings-why')),
          make(
            'div',
            { class: 'actions' },
            chooser(say('choose-openings'), { id: 'choose-openings' }, async (files) =>
              on.files(await readAll(files), 'openings'),
            ),
          ),
          this.openings,
        ),
      ),
    );
  }

  /** Say which file is being verified. */
  showFile(name, bytes) {
    fill(this.file, this.words.page('chosen-file', { name, size: sizeOf(bytes.length) }));
  }

  /** Say whose trust file is used: `source` is `own`, `kept`, `served` or `none`. */
  showTrust(source, { name, since, host, about } = {}) {
    this.forget.hidden = source !== 'kept';
    this.trust.dataset.source = source;
    fill(
      this.trust,
      make('p', {}, this.words.page(`trust-${source}`, { name, since, host })),
      about && make('p', {}, this.words.page('trust-says', { bureaus: about.bureaus, witnesses: about.witnesses })),
      about && make('p', {}, 'SHA-256 ', hash(about.digest)),
    );
  }

  #openPaste() {
    this.pasted.hidden = false;
    this.pasted.querySelector('textarea').focus();
  }

  #paste(taken) {
    const area = make('textarea', { id: 'pasted', rows: '5', spellcheck: 'false', autocomplete: 'off' });
    this.pasted = make(
      'div',
      { class: 'paste', hidden: true },
      make('label', { for: 'pasted' }, this.words.page('paste-here')),
      area,
      make(
        'button',
        { type: 'button', class: 'main', on: { click: () => area.value && taken(area.value) } },
        this.words.page('paste-done'),
      ),
    );
    document.addEventListener('paste', async (event) => {
      if (/^(input|textarea)$/i.test(event.target.tagName)) return;
      const { files } = event.clipboardData;
      if (files.length) taken(await readAll(files));
      else if (event.clipboardData.getData('text')) taken(event.clipboardData.getData('text'));
    });
    return this.pasted;
  }

  /** The whole page takes a drop: who misses the box must not have the browser open the file instead. */
  #dropping(taken) {
    const show = (over) => (event) => {
      event.preventDefault();
      this.drop.classList.toggle('over', over);
    };
    document.addEventListener('dragover', show(true));
    document.addEventListener('dragleave', show(false));
    document.addEventListener('drop', async (event) => {
      show(false)(event);
      const { files } = event.dataTransfer;
      if (files.length) taken(await readAll(files));
    });
  }
}

/** The seconds of a time that was typed on the clocks of China, or null for none. */
export function secondsOf(typed) {
  const time = Date.parse(`${typed}${typed.length === 16 ? ':00' : ''}+08:00`);
  return Number.isNaN(time) ? null : Math.floor(time / 1000);
}

const sizeOf = (bytes) =>
  bytes < 10_000
    ? `${bytes} B`
    : bytes < 10_000_000
      ? `${Math.round(bytes / 1000)} kB`
      : `${Math.round(bytes / 1e6)} MB`;
