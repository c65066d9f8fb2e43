/** The pages' script: what it does is written on the page's `main` (data-page). */

import sections from 'fairdraw:words';

import { fill, make } from './dom.mjs';
import { DrawPage } from './drawpage.mjs';
import { IndexPage } from './indexpage.mjs';
import { offerLanguages } from './language.mjs';
import { Verifier, faultText } from './verifier.mjs';
import { VerifyPage } from './verifypage.mjs';
import { Words } from './words.mjs';

/* global fairdrawCore */ // src/worker.mjs as one function; the build puts it before this file

async function start() {
  offerLanguages();
  // Who has no mouse scrolls a wide table with the arrow keys, once it can be reached.
  for (const wide of document.querySelectorAll('.scroll:not([tabindex])')) wide.tabIndex = 0;
  // What is folded away belongs on the paper too.
  addEventListener('beforeprint', () => document.querySelectorAll('.all-checks').forEach((one) => (one.open = true)));
  const main = document.getElementById('fairdraw');
  if (!main) return;
  const words = new Words(sections);
  const pages = {
    verify: () => new VerifyPage(words, new Verifier(fairdrawCore)),
    draw: () => new DrawPage(main, words, new Verifier(fairdrawCore)),
    index: () => new IndexPage(words),
  };
  try {
    await pages[main.dataset.page]?.().start();
  } catch (error) {
    const told = [make('p', {}, words.page('fault')), make('pre', {}, faultText(error))];
    const verdict = document.getElementById('verdict');
    if (verdict) fill(verdict, told);
    else main.prepend(...told);
  }
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
