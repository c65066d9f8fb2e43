/** The desk's keys. Where somebody types, keys are letters; where a button has the focus, Enter and Space are the button's. */

const TYPES = 'input, textarea, select';
const PRESSES = 'button, a[href], summary, input[type="checkbox"]';

const KEYS = {
  ' ': '#forth',
  Enter: '#forth',
  ArrowRight: '#forth',
  ArrowLeft: '#back',
  l: '#lock',
  c: '#close-seeds',
  p: '#print',
  e: '#language',
  r: '#retry',
  k: '#skip',
  '/': '#look',
  d: '#digits',
  PageDown: '#page-next',
  PageUp: '#page-back',
};

/** Press or focus what a key stands for, if it is there and may be used now. */
export function onKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const on = event.target;
    if (event.key === 'Escape' && on.matches(TYPES)) {
      on.blur();
      return;
    }
    if (on.matches(TYPES) && !on.matches('[type="checkbox"]')) return;
    if ((event.key === ' ' || event.key === 'Enter') && on.matches(PRESSES)) return;
    const place = document.querySelector(KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? ':not(*)');
    if (!place || place.disabled) return;
    event.preventDefault();
    if (place.matches(TYPES)) place.focus();
    else if (!event.repeat) place.click(); // a key that is held down is pressed once
  });
}
