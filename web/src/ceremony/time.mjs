/** The ceremony's clock. The desk's time counts, not the projector's: a page remembers how far its own clock is off. */

const CHINA = 8 * 3600; // seconds ahead of UTC; there is no summer time
let ahead = 0;

export function setClock(now) {
  ahead = now - Date.now() / 1000;
}

/** Seconds since 1970, with their fraction. */
export const now = () => Date.now() / 1000 + ahead;

const two = (number) => String(number).padStart(2, '0');
const shifted = (seconds) => new Date((seconds + CHINA) * 1000);

/** 14:30:00, Beijing time. */
export function clock(seconds) {
  const date = shifted(seconds);
  return [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
}

/** 2026-09-07, Beijing time. */
export function day(seconds) {
  const date = shifted(seconds);
  return [date.getUTCFullYear(), two(date.getUTCMonth() + 1), two(date.getUTCDate())].join('-');
}

/** 1:02:03 or 02:03: how long it still is. */
export function left(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return (hours ? [hours, two(minutes)] : [two(minutes)]).concat(two(whole % 60)).join(':');
}
