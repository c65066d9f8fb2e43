/** Elements made of text. Nothing here parses HTML: what a stranger's file says stays text (attack 46). */

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
  holds: 'M4 12.5l5.2 5.2L20 7',
  fails: 'M5 5l14 14M19 5L5 19',
  unknown: 'M8 9a4 4 0 1 1 6 3.4c-1.4.9-2 1.6-2 3.1M12 19.4v.2',
  sealed: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  waits: 'M5 12h14',
  working: 'M12 4a8 8 0 1 1-8 8',
  error: 'M12 4v10M12 19v.2',
};

/** A drawn sign; words beside it say the same, so a screen reader leaves it out. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `icon ${name}`);
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name] ?? ICONS.waits);
  svg.append(path);
  return svg;
}

/**
 * An element. `properties` are attributes, but `on` (listeners by event) and `data` (data-*); children are nodes,
 * strings, sentences in both languages `{zh, en}`, arrays of these, or null, undefined or false for none.
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === 'data') for (const [key, told] of Object.entries(value)) element.dataset[key] = told;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...nodes(children));
  return element;
}

/** What `make` takes as children, as a flat list of nodes and strings. */
export function nodes(children) {
  const flat = [];
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    if (isBoth(child)) flat.push(...spans(child));
    else flat.push(child);
  }
  return flat;
}

const isBoth = (child) => typeof child === 'object' && !(child instanceof Node) && 'zh' in child;

/** A sentence in both languages: the style sheet shows the one that the reader chose, and without a script both. */
function spans({ zh, en }) {
  const one = (lang, sentence) => {
    const span = document.createElement('span');
    span.lang = lang;
    span.textContent = sentence;
    return span;
  };
  return zh === en ? [zh] : [one('zh', zh), ' ', one('en', en)];
}

/** Put these children, and no others, into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** A hash to read, compare and copy: one click selects all of it. */
export const hash = (text) => make('code', { class: 'hash' }, text);
