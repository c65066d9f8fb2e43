/** Whose a slot is, and which reasons of a void free it after the round (specs/verification.md §4.1 to §4.3). */

import { canonical } from '../core/encoding.mjs';
import { CannotTell, CheckFails, Refusal } from '../core/errors.mjs';
import { drawUnder } from './again.mjs';
import { limitOf, sourceTime } from './sources.mjs';

/** In what an announcement may differ from the one that it replaces where the void is not free. */
const MAY_DIFFER = new Set(['seq', 'prev', 'time', 'beacon', 'replaces']);

/**
 * The rules of §4.1 over one history.
 *
 * @param {object} kase
 * @param {import('./history.mjs').History} history that of the file, or that of the whole log
 */
export class Slots {
  constructor(kase, history) {
    this.kase = kase;
    this.history = history;
    this.reasons = new Map(); // by void: attempts-exhausted is a whole draw, and judged once
    this.bySlot = grouped(history.byBureau('announcement'), ({ statement }) => statement.slots);
    this.byAnnouncement = grouped(history.byBureau('void'), ({ statement }) => [statement.announcement.text]);
  }

  /** The bureau's announcements that have the slot, in log order. */
  announcementsOf(slot) {
    return this.bySlot.get(slot) ?? [];
  }

  voidsOf(announcement) {
    return this.byAnnouncement.get(announcement.hash) ?? [];
  }

  /** The announcement that a slot belongs to, or null: the slot is dead. */
  ownerOf(slot) {
    const [first, second] = this.announcementsOf(slot);
    if (!first || first.statement.replaces !== null) return null;
    const voids = this.voidsOf(first);
    if (voids.length === 0) return first;
    if (!second || second.statement.replaces === null || this.voidsOf(second).length > 0) return null;
    const { text } = second.statement.replaces;
    const named = voids.find((item) => item.hash === text && item.index < second.index);
    if (!named) return null;
    if (this.isFree(named)) return second;
    return differInNothingElse(first.statement, second.statement) && this.reasonHolds(named, first) ? second : null;
  }

  /** Whether a void obeys Order under the limit of the announcement that it voids: nobody knew the outcome. */
  isFree(item) {
    const announcement = this.history.byText.get(item.statement.announcement.text);
    if (announcement?.statement.type !== 'announcement') return false;
    try {
      return this.history.obeysOrder(item.index, limitOf(this.kase, announcement.statement));
    } catch (error) {
      if (error instanceof Refusal) return false; // when a round of an unknown chain was due, nobody can say
      throw error;
    }
  }

  /**
   * The index below which the newest snapshot and the version meant are judged (§4.3): a replacement after the round
   * shall not choose among registries that came with the knowledge of the outcome.
   */
  newestBelow(announcement) {
    const { replaces } = announcement.statement;
    if (replaces === null) return announcement.index;
    const named = this.history.follow(replaces);
    if (named.statement.type !== 'void' || this.isFree(named)) return announcement.index;
    return this.history.follow(named.statement.announcement).index;
  }

  /** Whether the reason of a void of this announcement holds (§4.2). */
  reasonHolds(item, announcement) {
    if (!this.reasons.has(item.hash)) this.reasons.set(item.hash, this.#judge(item, announcement));
    const holds = this.reasons.get(item.hash);
    if (holds === null) throw new CannotTell('rosters-needed', { void: item.index });
    return holds;
  }

  #judge(item, announcement) {
    const { kase, history } = this;
    const { statement } = announcement;
    const limit = limitOf(kase, statement);
    switch (item.statement.reason) {
      case 'chain-retired':
        return statement.beacon.some(({ beacon, hash, round }) => {
          const retired = kase.trust.retired.get(beacon);
          return retired !== undefined && retired <= sourceTime(kase, { beacon, hash, round });
        });
      case 'quorum-not-shown':
        return !history.seenInTime(announcement.index, limit);
      case 'required-seed-missing':
        return this.#lacksSeed(announcement, limit);
      case 'attempts-exhausted':
        return statement.disclosure.kind === 'at-once' && this.#attemptsEnd(item, announcement);
      default:
        return false;
    }
  }

  #lacksSeed({ hash, statement }, limit) {
    if (statement.seed.kind !== 'committed') return false;
    const closed = this.history
      .byBureau('reveals-closed')
      .find((item) => item.statement.announcement.text === hash && this.history.seenInTime(item.index, limit));
    const reveals = statement.seed.contributors.map((_, i) => closed?.statement.reveals[i] ?? null);
    return (
      statement.seed.contributors.some(({ required }, i) => required && reveals[i] === null) ||
      reveals.filter((reveal) => reveal !== null).length < statement.seed.minimum
    );
  }

  /** Whether the draw under the void's pulses ends so; null where the rosters that it needs are not at hand. */
  #attemptsEnd(item, announcement) {
    if (this.kase.rosters === null) return null;
    try {
      drawUnder(this.kase, announcement, item.statement.pulses, this.history);
    } catch (error) {
      if (error instanceof Refusal) return error.code === 'attempts-exhausted';
      if (error instanceof CheckFails || error instanceof CannotTell) return false;
      throw error;
    }
    return false;
  }
}

/** Refuse an announcement that one of its slots does not belong to. */
export function needSlots(slots, names, announcement) {
  for (const slot of names) {
    if (slots.ownerOf(slot)?.hash !== announcement.hash) {
      const announced = slots.announcementsOf(slot);
      const voided = announced.flatMap((item) => slots.voidsOf(item)).map(({ index }) => index);
      throw new CheckFails('slot-not-free', {
        announced: announced.map(({ index }) => index),
        found: announcement.index,
        slot,
        voided,
      });
    }
  }
}

/** Whether in the carried chain up to the draw the slots are this announcement's, and this is its first draw. */
export function firstOfSlot(kase) {
  const { announced, announcement, draw, history } = kase;
  needSlots(kase.chain, announced.slots, announcement);
  const first = history.byBureau('draw').find(({ statement }) => statement.announcement.text === announcement.hash);
  if (draw !== null && first && first !== draw && first.index < draw.index) {
    throw new CheckFails('not-the-first-draw', { expected: first.index, found: draw.index });
  }
  return { slots: announced.slots };
}

function differInNothingElse(first, second) {
  return Object.keys(first).every((name) => MAY_DIFFER.has(name) || canonical(first[name]) === canonical(second[name]));
}

/** The items under each of their names, in log order. */
function grouped(items, namesOf) {
  const groups = new Map();
  for (const item of items) {
    for (const name of namesOf(item)) {
      if (groups.has(name)) groups.get(name).push(item);
      else groups.set(name, [item]);
    }
  }
  return groups;
}
