/** Raw deflate, RFC 1951, exactly to the end: what is cut short, or followed by anything, is refused. */

import { Refusal } from './errors.mjs';

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const MAX_BITS = 15;

const bad = () => new Refusal('bad-slip-code', { reason: 'deflate' });

/** The bytes that `data` unpacks to, at most `limit` of them: a bomb must not fill the memory of who opens a link. */
export function inflate(data, limit) {
  const source = new Bits(data);
  const out = new Output(limit);
  let last;
  do {
    last = source.take(1);
    const type = source.take(2);
    if (type === 0) stored(source, out);
    else if (type === 1) compressed(source, out, FIXED_LITERALS, FIXED_DISTANCES);
    else if (type === 2) compressed(source, out, ...dynamicCodes(source));
    else throw bad();
  } while (!last);
  if (!source.isAtEnd()) throw bad();
  return out.bytes();
}

class Bits {
  constructor(data) {
    this.data = data;
    this.at = 0;
    this.held = 0;
    this.count = 0;
  }

  /** The next bits, least significant first (RFC 1951 §3.1.1). */
  take(count) {
    while (this.count < count) {
      if (this.at >= this.data.length) throw bad();
      this.held |= this.data[this.at++] << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return value;
  }

  /** Leave out what remains of a byte, and return the next `count` bytes. */
  bytes(count) {
    this.held = 0;
    this.count = 0;
    if (this.at + count > this.data.length) throw bad();
    return this.data.subarray(this.at, (this.at += count));
  }

  isAtEnd() {
    return this.at === this.data.length && this.held === 0;
  }
}

class Output {
  constructor(limit) {
    this.limit = limit;
    this.buffer = new Uint8Array(1024);
    this.length = 0;
  }

  push(byte) {
    if (this.length === this.limit) throw new Refusal('bad-slip-code', { reason: 'too-large' });
    if (this.length === this.buffer.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    this.buffer[this.length++] = byte;
  }

  repeat(distance, length) {
    if (distance > this.length) throw bad();
    for (let i = 0; i < length; i++) this.push(this.buffer[this.length - distance]);
  }

  bytes() {
    return this.buffer.slice(0, this.length);
  }
}

/** A canonical Huffman code (§3.2.2): how many codes have each length, and the symbols in order. */
function huffman(lengths) {
  const counts = new Array(MAX_BITS + 1).fill(0);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  let left = 1;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    left = 2 * left - counts[bits];
    if (left < 0) throw bad(); // more codes than there is room for
  }
  const symbols = [];
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    lengths.forEach((length, symbol) => length === bits && symbols.push(symbol));
  }
  return { counts, symbols };
}

function symbolOf(source, { counts, symbols }) {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    code |= source.take(1);
    if (code - first < counts[bits]) return symbols[index + code - first];
    index += counts[bits];
    first = (first + counts[bits]) << 1;
    code <<= 1;
  }
  throw bad();
}

const FIXED_LITERALS = huffman([
  ...new Array(144).fill(8),
  ...new Array(112).fill(9),
  ...new Array(24).fill(7),
  ...new Array(8).fill(8),
]);
const FIXED_DISTANCES = huffman(new Array(30).fill(5));

function stored(source, out) {
  const [a, b, c, d] = source.bytes(4);
  const length = a | (b << 8);
  if ((length ^ 0xffff) !== (c | (d << 8))) throw bad();
  for (const byte of source.bytes(length)) out.push(byte);
}

function compressed(source, out, literals, distances) {
  for (;;) {
    const symbol = symbolOf(source, literals);
    if (symbol < 256) out.push(symbol);
    else if (symbol === 256) return;
    else {
      const place = symbol - 257;
      if (place >= LENGTH_BASE.length) throw bad();
      const length = LENGTH_BASE[place] + source.take(LENGTH_BITS[place]);
      const far = symbolOf(source, distances);
      if (far >= DISTANCE_BASE.length) throw bad();
      out.repeat(DISTANCE_BASE[far] + source.take(DISTANCE_BITS[far]), length);
    }
  }
}

/** The two codes that stand before a block's data (§3.2.7). */
function dynamicCodes(source) {
  const literalCount = source.take(5) + 257;
  const distanceCount = source.take(5) + 1;
  const codeLengths = new Array(19).fill(0);
  for (let i = source.take(4) + 4, at = 0; at < i; at++) codeLengths[CODE_LENGTH_ORDER[at]] = source.take(3);
  const code = huffman(codeLengths);
  const lengths = [];
  while (lengths.length < literalCount + distanceCount) {
    const symbol = symbolOf(source, code);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) {
      if (!lengths.length) throw bad();
      lengths.push(...new Array(3 + source.take(2)).fill(lengths[lengths.length - 1]));
    } else lengths.push(...new Array(symbol === 17 ? 3 + source.take(3) : 11 + source.take(7)).fill(0));
  }
  if (lengths.length > literalCount + distanceCount || !lengths[256]) throw bad();
  return [huffman(lengths.slice(0, literalCount)), huffman(lengths.slice(literalCount))];
}
