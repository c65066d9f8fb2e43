/**
 * What a NIST-format pulse needs of an X.509 certificate: its validity and its RSA key (RFC 5280 §4.1, RFC 8017 §A.1).
 *
 * DER has one spelling of a length and of an integer, and every other is refused. Extensions and signature are not
 * looked at: the certificate is pinned by its hash, and no authority is asked (specs/beacon.md §10.3).
 */

import { parseTime, toHex } from './encoding.mjs';
import { Refusal } from './errors.mjs';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const VERSION = 0xa0;

/** 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 §A.1). */
const RSA = '2a864886f70d010101';

/**
 * @param {Uint8Array} bytes
 * @returns {{notBefore: number, notAfter: number, modulus: bigint, exponent: bigint}} times in POSIX seconds
 */
export function readCertificate(bytes) {
  const whole = new Der(bytes);
  const certificate = whole.sequence();
  whole.end();
  const signed = certificate.sequence();
  certificate.sequence();
  certificate.take(BIT_STRING);
  certificate.end();
  if (signed.next() === VERSION) signed.take(VERSION);
  signed.integer(); // serial number
  signed.sequence(); // signature algorithm
  signed.sequence(); // issuer
  const validity = signed.sequence();
  const [notBefore, notAfter] = [validity.time(), validity.time()];
  validity.end();
  signed.sequence(); // subject
  return { notBefore, notAfter, ...readKey(signed.sequence()) };
}

function readKey(info) {
  const algorithm = info.sequence();
  if (toHex(algorithm.take(OBJECT_IDENTIFIER)) !== RSA || algorithm.take(NULL).length !== 0) throw bad();
  algorithm.end();
  const bits = info.take(BIT_STRING);
  info.end();
  if (bits[0] !== 0) throw bad(); // bits left over in the last byte
  const outer = new Der(bits.subarray(1));
  const key = outer.sequence();
  outer.end();
  const [modulus, exponent] = [key.integer(), key.integer()];
  key.end();
  if (modulus <= 0n || exponent < 3n || !(modulus & 1n) || !(exponent & 1n)) throw bad();
  return { modulus, exponent };
}

/** Bytes that are read from the front, one element of DER after the other. */
class Der {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  next() {
    return this.#bytes[this.#at];
  }

  /** The contents of the next element, which has this tag. */
  take(tag) {
    if (this.next() !== tag) throw bad();
    let length = this.#bytes[this.#at + 1];
    let from = this.#at + 2;
    if (length >= 0x80) {
      const count = length - 0x80;
      // 0x80 is the indefinite length, which DER has not; four bytes are more than any file here.
      if (count < 1 || count > 4) throw bad();
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#bytes[from + i];
      from += count;
      if (length < (count === 1 ? 0x80 : 256 ** (count - 1))) throw bad();
    }
    const end = from + length;
    if (!(end <= this.#bytes.length)) throw bad();
    this.#at = end;
    return this.#bytes.subarray(from, end);
  }

  sequence() {
    return new Der(this.take(SEQUENCE));
  }

  integer() {
    const bytes = this.take(INTEGER);
    const [first, second] = bytes;
    if (
      bytes.length === 0 ||
      (bytes.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    ) {
      throw bad();
    }
    return BigInt.asIntN(8 * bytes.length, BigInt(`0x${toHex(bytes)}`));
  }

  time() {
    const utc = this.next() === UTC_TIME;
    const digits = ascii(this.take(utc ? UTC_TIME : GENERALIZED_TIME));
    // RFC 5280 §4.1.2.5: in UTC, with seconds, without fractions; two digits of a year are 1950 to 2049.
    const full = utc ? `${digits < '50' ? '20' : '19'}${digits}` : digits;
    const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(full);
    if (!parts) throw bad();
    const [, year, month, day, hour, minute, second] = parts;
    try {
      return parseTime(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    } catch {
      throw bad();
    }
  }

  end() {
    if (this.#at !== this.#bytes.length) throw bad();
  }
}

const bad = () => new Refusal('bad-certificate');
const ascii = (bytes) => String.fromCharCode(...bytes.subarray(0, 32));
