/** Exact rationals, never in floating point (specs/plan.md §2): 7/100 of 100 is 7, and not 8. */

/** @typedef {{over: bigint, under: bigint}} Ratio numerator and positive denominator */

/** The number that a ratio of a plan spells (specs/statements.md §2). @returns {Ratio} */
export function parseRatio(text) {
  const [over, under] = text.split('/').map(BigInt);
  return { over, under };
}

export const whole = (number) => ({ over: BigInt(number), under: 1n });

export const product = (...ratios) => ({
  over: ratios.reduce((all, { over }) => all * over, 1n),
  under: ratios.reduce((all, { under }) => all * under, 1n),
});

/** Below 0, 0 or above 0, as `a` is less than, equal to or more than `b`. */
export function compareRatios(a, b) {
  const difference = a.over * b.under - b.over * a.under;
  return difference < 0n ? -1 : Number(difference > 0n);
}

export const floor = ({ over, under }) => over / under; // nothing here is negative
export const ceil = ({ over, under }) => (over + under - 1n) / under;

/** In lowest terms, as a derivation writes a share (specs/plan.md §4). */
export function lowestTerms({ over, under }) {
  let [a, b] = [over, under];
  while (b) [a, b] = [b, a % b];
  return `${over / a}/${under / a}`;
}
