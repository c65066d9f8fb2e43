/** What is said of the sources of randomness: rounds that are signed, and public events, which people saw. */

import { say } from './words.mjs';

const EVENTS = 'events';

/** What a round is called. */
export const roundName = (chain, round) => (chain === EVENTS ? say('round-events') : say('round', { chain, round: String(round) }));

/** What holds of a round's value once it is taken. */
export const validity = (chain) => say(chain === EVENTS ? 'seen' : 'valid');
