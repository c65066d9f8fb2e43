/** Tickets in bulk (specs/tickets.md §2): the same as `ticket`, with the key's block hashed once. */

import { sha256 } from '@noble/hashes/sha2.js';

import { utf8 } from './encoding.mjs';

const LF = 0x0a;
const BYTES = 32;

/** Draws lots under one key. Its buffers are used again and again: a draw has millions of tickets. */
export class Lots {
  #keyed;
  #hash = sha256.create();
  #message = new Uint8Array(512);
  #tickets = new Uint8Array(BYTES);
  #heads = new Float64Array(1);

  /** @param {string} keyHex 64 digits, which are one block of SHA-256 */
  constructor(keyHex) {
    this.#keyed = sha256.create().update(utf8(keyHex));
  }

  /**
   * The places of those numbers that have the smallest tickets, by (ticket, number).
   * @param {number} count how many; all, if there are no more
   * @param {string} purpose
   * @param {(string|number)[]} fields those before the number
   * @param {string[]} numbers
   * @returns {number[]} places in `numbers`
   */
  smallest(count, purpose, fields, numbers) {
    if (count <= 0) return [];
    this.#fill(purpose, fields, numbers);
    const heads = this.#heads.subarray(0, numbers.length);
    const places = [];
    if (count < numbers.length) {
      const bound = heads.slice().sort()[count - 1];
      for (let i = 0; i < heads.length; i++) if (heads[i] <= bound) places.push(i);
    } else {
      for (let i = 0; i < heads.length; i++) places.push(i);
    }
    places.sort((a, b) => heads[a] - heads[b] || this.#compare(a, b) || (numbers[a] < numbers[b] ? -1 : 1));
    places.length = Math.min(count, places.length);
    return places;
  }

  /** Make all tickets; of each, 53 bits are the head by which they are compared first. */
  #fill(purpose, fields, numbers) {
    if (this.#heads.length < numbers.length) {
      this.#heads = new Float64Array(2 * numbers.length);
      this.#tickets = new Uint8Array(BYTES * this.#heads.length);
    }
    const start = utf8(`\n${[purpose, ...fields].join('\n')}\n`);
    const message = this.#message;
    message.set(start);
    const ticket = new Uint8Array(BYTES);
    const view = new DataView(ticket.buffer);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      let end = start.length;
      for (let j = 0; j < number.length; j++) message[end++] = number.charCodeAt(j); // numbers are ASCII
      message[end++] = LF;
      this.#keyed._cloneInto(this.#hash).update(message.subarray(0, end)).digestInto(ticket);
      this.#tickets.set(ticket, BYTES * i);
      this.#heads[i] = view.getUint32(0) * 0x200000 + (view.getUint32(4) >>> 11);
    }
  }

  #compare(a, b) {
    const tickets = this.#tickets;
    for (let i = 0; i < BYTES; i++) {
      const difference = tickets[BYTES * a + i] - tickets[BYTES * b + i];
      if (difference) return difference;
    }
    return 0;
  }
}
