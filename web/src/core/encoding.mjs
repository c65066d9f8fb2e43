/** Bytes, text, canonical JSON, times: specs/encoding.md. One value has one spelling; every other one is refused. */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

import { Refusal } from './errors.mjs';

const MAX_DEPTH = 8; // specs/encoding.md §2
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }); // a byte order mark stays, to be refused

/** The UTF-8 bytes of a string. */
export const utf8 = (string) => encoder.encode(string);

/** Write a string's UTF-8 bytes into an array that has room for them; return how many there are. */
export const utf8Into = (string, bytes) => encoder.encodeInto(string, bytes).written;

/** The string that these bytes are in UTF-8, strictly. */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new Refusal('not-utf-8');
    throw error; // longer than a string can be here: this verifier cannot tell, and the file is not to blame
  }
}

export const sha256 = (bytes) => nobleSha256(bytes);
export const sha256hex = (bytes) => toHex(nobleSha256(bytes));
export const digestText = (string) => sha256hex(utf8(string));

// --- hex and base64 ------------------------------------------------------------------------------------------------

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes) {
  let hex = '';
  for (let i = 0; i < bytes.length; i++) hex += HEX[bytes[i]];
  return hex;
}

export function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bytes of lower-case hex, two digits a byte (specs/README.md §2). */
export function fromHex(hex) {
  if (hex.length % 2 || /[^0-9a-f]/.test(hex)) throw new Refusal('not-hex');
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const SEXTET = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) SEXTET[BASE64.charCodeAt(i)] = i;

export function toBase64(bytes) {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += BASE64[three >> 18] + BASE64[(three >> 12) & 63];
    out += i + 1 < bytes.length ? BASE64[(three >> 6) & 63] : '=';
    out += i + 2 < bytes.length ? BASE64[three & 63] : '=';
  }
  return out;
}

/** The bytes of base64 as specs/encoding.md §5 has it: padded, unbroken, no stray bits. */
export function fromBase64(string) {
  const bad = new Refusal('not-base64');
  const padding = string.endsWith('==') ? 2 : string.endsWith('=') ? 1 : 0;
  if (string.length % 4) throw bad;
  const bytes = new Uint8Array((string.length / 4) * 3 - padding);
  const digits = string.length - padding;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < digits; i++) {
    const sextet = SEXTET[string.charCodeAt(i)] ?? -1;
    if (sextet < 0) throw bad;
    bits = (bits << 6) | sextet;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = bits >> held;
      bits &= (1 << held) - 1;
    }
  }
  if (bits !== 0) throw bad; // stray bits: two spellings of the same bytes
  return bytes;
}

// --- strings -------------------------------------------------------------------------------------------------------

// With the flag u a surrogate matches only where it is alone.
const FORBIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]/u;

/** Refuse what lets two strings look alike, or one look like two (specs/encoding.md §2). */
export function checkString(string) {
  const bad = FORBIDDEN.exec(string);
  if (bad) {
    const point = bad[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new Refusal('forbidden-character', { character: `U+${point}` });
  }
  if (string.normalize('NFC') !== string) throw new Refusal('not-nfc');
  return string;
}

/** Compare bytewise by UTF-8, which is by code points; JavaScript's `<` puts U+10000 before U+E000. */
export function compareText(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      // Move surrogates, halves of the highest characters, behind U+E000 to U+FFFF.
      x += x >= 0xe000 ? -0x800 : 0x2000;
      y += y >= 0xe000 ? -0x800 : 0x2000;
    }
    return x < y ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

// --- canonical JSON ------------------------------------------------------------------------------------------------

const FIELD_NAME = /^[a-z][a-z0-9_]{0,31}$/;

/**
 * The value of canonical JSON (specs/encoding.md §1). The form leaves so little freedom that a reader which knows
 * only that form is as strict as parsing, writing again and comparing, and passes over each byte once.
 * @param {Uint8Array} bytes
 */
export const parse = (bytes) => parseText(text(bytes));

/** As `parse`, of a string that is decoded already: a line of a list. */
export function parseText(source) {
  const reader = new Reader(source);
  const value = reader.value(1);
  reader.finish();
  return value;
}

class Reader {
  constructor(source) {
    this.source = source;
    this.at = 0;
  }

  value(depth) {
    const start = this.source.charCodeAt(this.at);
    if (start === 0x22) return this.string();
    if (start === 0x7b) return this.object(depth);
    if (start === 0x5b) return this.array(depth);
    if (this.takes('null')) return null;
    if (this.takes('true')) return true;
    if (this.takes('false')) return false;
    return this.number();
  }

  finish() {
    const rest = this.source.slice(this.at);
    if (rest) throw new Refusal(/^[ \t\r\n]+$/.test(rest) ? 'not-canonical' : 'not-json');
  }

  takes(word) {
    if (!this.source.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** Take this character, or say why it is not there. */
  need(code) {
    if (this.source.charCodeAt(this.at) !== code) throw this.#surprise();
    this.at++;
  }

  #surprise() {
    return new Refusal(/[ \t\r\n]/.test(this.source[this.at] ?? '') ? 'not-canonical' : 'not-json');
  }

  string() {
    const { source } = this;
    const start = this.at + 1;
    let plain = true; // ASCII without escapes, which is nearly every string of a roster
    let i = start;
    for (; ; i++) {
      const code = source.charCodeAt(i);
      if (code === 0x22) break;
      if (code === 0x5c) {
        plain = false;
        i++;
      } else if (code >= 0x7f) {
        plain = false;
      } else if (!(code >= 0x20)) {
        throw new Refusal('not-json'); // a bare control character, or the end
      }
    }
    this.at = i + 1;
    const raw = source.slice(start, i);
    if (plain) return raw;
    return checkString(raw.includes('\\') ? unescape(raw) : raw);
  }

  array(depth) {
    this.#enter(depth);
    const items = [];
    if (this.takes(']')) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.takes(']')) return items;
      this.need(0x2c);
    }
  }

  object(depth) {
    this.#enter(depth);
    const object = Object.create(null);
    if (this.takes('}')) return object;
    let before = '';
    for (;;) {
      if (this.source.charCodeAt(this.at) !== 0x22) throw this.#surprise();
      const name = this.string();
      if (!FIELD_NAME.test(name)) throw new Refusal('bad-field-name', { name });
      if (name <= before) throw new Refusal('not-canonical'); // names are ASCII; an equal one is said twice
      before = name;
      this.need(0x3a);
      object[name] = this.value(depth + 1);
      if (this.takes('}')) return object;
      this.need(0x2c);
    }
  }

  #enter(depth) {
    if (depth > MAX_DEPTH) throw new Refusal('too-deep');
    this.at++;
  }

  number() {
    const token = /^(?:-?Infinity|NaN|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/.exec(
      this.source.slice(this.at, this.at + 400), // far more than any integer that is allowed
    )?.[0];
    if (token === undefined) throw this.#surprise();
    if (!/^-?[0-9]+$/.test(token)) throw new Refusal('not-canonical-type');
    if (token === '-0') throw new Refusal('not-canonical');
    if (/^-?0./.test(token)) throw new Refusal('not-json');
    const number = Number(token);
    if (!Number.isSafeInteger(number)) throw new Refusal('integer-too-large');
    this.at += token.length;
    return number;
  }
}

/** Undo `\"` and `\\`, the two escapes of a canonical string; of any other say whether it hides a forbidden one. */
function unescape(raw) {
  return raw.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, escape) => {
    if (escape === '"' || escape === '\\') return escape;
    if (/^[bfnrt]$/.test(escape)) throw new Refusal('forbidden-character');
    if (escape === '/') throw new Refusal('not-canonical');
    if (escape.length === 1) throw new Refusal('not-json');
    checkString(String.fromCharCode(parseInt(escape.slice(1), 16)));
    throw new Refusal('not-canonical');
  });
}

/** The canonical JSON of a value (specs/encoding.md §1), without a newline. */
export function canonical(value, depth = 1) {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Object.is(value, -0)) throw new Refusal('not-canonical-type');
    if (!Number.isSafeInteger(value)) throw new Refusal('integer-too-large');
    return String(value);
  }
  if (typeof value !== 'object') throw new Refusal('not-canonical-type');
  if (depth > MAX_DEPTH) throw new Refusal('too-deep');
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join()}]`;
  const fields = Object.keys(value).sort().map((name) => {
    if (!FIELD_NAME.test(name)) throw new Refusal('bad-field-name', { name });
    return `"${name}":${canonical(value[name], depth + 1)}`;
  });
  return `{${fields.join()}}`;
}

const quoted = (string) => `"${checkString(string).replace(/["\\]/g, '\\$&')}"`;

// --- lists ---------------------------------------------------------------------------------------------------------

/** The lines of a list artifact, without their LF (specs/encoding.md §3). */
export function splitLines(bytes) {
  if (bytes.length === 0) return [];
  if (bytes[bytes.length - 1] !== 0x0a) throw new Refusal('unfinished-line');
  const lines = text(bytes).split('\n');
  lines.pop();
  return lines;
}

// --- times ---------------------------------------------------------------------------------------------------------

/** POSIX seconds of `YYYY-MM-DDThh:mm:ssZ` (specs/encoding.md §4). */
export function parseTime(string) {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(string)) throw new Refusal('not-a-time');
  const milliseconds = Date.parse(string);
  // Written again, for Date takes 24:00:00 and may take 30 February.
  if (Number.isNaN(milliseconds) || formatTime(milliseconds / 1000) !== string) throw new Refusal('not-a-time');
  return milliseconds / 1000;
}

/** `YYYY-MM-DDThh:mm:ssZ` of whole POSIX seconds. */
export function formatTime(seconds) {
  const date = new Date(seconds * 1000);
  if (!Number.isInteger(seconds) || !(date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999)) {
    throw new Refusal('not-a-time');
  }
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The date itself, if it is one. */
export function parseDate(string) {
  try {
    parseTime(`${string}T00:00:00Z`);
  } catch {
    throw new Refusal('not-a-date');
  }
  return string;
}

/** When a date ends: at 24:00 in China, UTC+8 all year (specs/encoding.md §4). */
export const endOfDay = (date) => parseTime(`${parseDate(date)}T16:00:00Z`);
