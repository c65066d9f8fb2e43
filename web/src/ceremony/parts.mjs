/** What every panel of the desk is made of. */

import { make } from '../page/dom.mjs';
import { say } from './words.mjs';

/** A button, with the key that presses it beside its words. */
export const button = (id, key, text, act, more = {}) =>
  make('button', { type: 'button', id, on: { click: act }, ...more }, text, key && [' ', make('kbd', {}, key)]);

/** A panel: its title, and what is below it. */
export const panel = (name, ...children) => [make('h2', { id: `title-${name}` }, say(`panel-${name}`)), ...children];
