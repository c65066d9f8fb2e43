/** Strata and how many are drawn from each (specs/plan.md §2 to §5, §7). */

import { compareText } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import { filterHolds, parseFilter } from './filter.mjs';
import { ceil, compareRatios, floor, lowestTerms, parseRatio, product, whole } from './ratio.mjs';

/**
 * @typedef {import('./filter.mjs').Value} Value
 * @typedef {{no: string, attrs: object}} Row
 * @typedef {{item: string|null, no: string, reason: string}} Exclusion
 *
 * @typedef {object} Stratum
 * @property {string} item
 * @property {Value[]} values of the attributes of §3, in their order
 * @property {string} key canonical JSON of the values
 * @property {number} total
 * @property {number} base
 * @property {string[]} eligible numbers, in the order of the roster
 * @property {number} before drawn by an earlier instalment
 * @property {number} wanted
 * @property {number} quota
 * @property {string} derivation
 * @property {object} ratio the entry of the rule's `ratios`
 * @property {object|null} grade the entry of the rule's `grades`
 *
 * @typedef {{item: string, of: Value[], population: number, needed: number, planned: number, reached: number}} Floor
 */

export const itemOf = (slot) => slot.split('/')[1];

/** The number that an exact one is rounded to (specs/plan.md §2). */
export function roundQuota(exact, rounding) {
  if (rounding === 'ceil') return Number(ceil(exact));
  if (rounding === 'floor') return Number(floor(exact));
  const nearest = (2n * exact.over + exact.under) / (2n * exact.under);
  return Number(nearest === 0n && exact.over > 0n ? 1n : nearest);
}

/** The strata of a draw (specs/plan.md §3, §4). */
export const makeStrata = (inputs) => allocate(inputs).strata;

/**
 * The strata with their quotas, and how far the legal floors are reached.
 * @param {{plan: object, slots: string[], roster: {rows: Row[]}, exclusions: Exclusion[]}} inputs
 * @returns {{strata: Stratum[], floors: Floor[]}}
 */
export function allocate({ plan, slots, roster, exclusions }) {
  const strata = [];
  const floors = [];
  const grouped = new Map(); // several items may have one rule, and then the same rows in the same groups
  for (const item of [...new Set(slots.map(itemOf))].sort()) {
    const rule = ruleOf(plan, item);
    if (!grouped.has(rule)) grouped.set(rule, group(rule, roster.rows));
    const share = shareOf(plan, slots, item);
    const ofItem = makeItem({ item, rule, share, groups: grouped.get(rule), exclusions });
    strata.push(...ofItem.strata);
    floors.push(...ofItem.floors);
  }
  return { strata, floors };
}

/** The rule of an item: there is one if the plan has a slot of the item, which nothing has shown yet of a slip's. */
function ruleOf(plan, item) {
  const rule = plan.rules.find(({ items }) => items.includes(item));
  if (!rule) throw new Refusal('slot-not-in-plan', { found: item });
  return rule;
}

/** The largest share of the item's slots, if any has one (specs/plan.md §1). */
function shareOf(plan, slots, item) {
  const ofItem = (slot) => slots.includes(slot) && itemOf(slot) === item;
  return plan.schedule
    .filter(({ slot, share }) => share !== null && ofItem(slot))
    .map(({ share }) => parseRatio(share))
    .reduce((largest, share) => (largest && compareRatios(share, largest) <= 0 ? largest : share), null);
}

// --- strata --------------------------------------------------------------------------------------------------------

/** The attributes by which a rule groups, in the order of specs/plan.md §3. */
const attributesOf = (rule) => [...rule.strata, rule.grade, rule.region].filter((name) => name !== null);

function valueOf(row, field) {
  const value = row.attrs[field];
  if (value === undefined) {
    throw new Refusal('unknown-attribute', { expected: Object.keys(row.attrs).sort(), found: field });
  }
  if (Array.isArray(value)) throw new Refusal('list-as-stratum', { field });
  return value;
}

/** The rows of each stratum, whether or not the filter lets them through, sorted by the stratum's values. */
function group(rule, rows) {
  const filter = parseFilter(rule.filter);
  const attributes = attributesOf(rule);
  const groups = new Map();
  for (const row of rows) {
    const values = attributes.map((field) => valueOf(row, field));
    const key = JSON.stringify(values); // of a roster's values, this is canonical JSON
    let found = groups.get(key);
    if (!found) groups.set(key, (found = { values, key, total: 0, passing: [] }));
    found.total++;
    if (filterHolds(filter, row.attrs)) found.passing.push(row.no);
  }
  return [...groups.values()].sort((a, b) => compareText(a.key, b.key));
}

/** Each announced item for which a row's stratum is drawn from, with the stratum's values. */
export function strataOf(plan, slots, row) {
  const strata = [];
  for (const item of [...new Set(slots.map(itemOf))].sort()) {
    const rule = ruleOf(plan, item);
    if (!filterHolds(parseFilter(rule.filter), row.attrs)) continue;
    strata.push([item, attributesOf(rule).map((field) => valueOf(row, field))]);
  }
  return strata;
}

/** The entry of `ratios` whose `of` is the longest beginning of the values. */
function ratioOf(rule, values) {
  let longest = null;
  for (const entry of rule.ratios) {
    if (!entry.of.every((value, i) => value === values[i])) continue;
    if (longest === null || entry.of.length > longest.of.length) longest = entry;
  }
  return longest;
}

// --- one item ------------------------------------------------------------------------------------------------------

function makeItem({ item, rule, share, groups, exclusions }) {
  const ours = exclusions.filter((exclusion) => exclusion.item === null || exclusion.item === item);
  const excluded = new Set(ours.map(({ no }) => no));
  const drawnBefore = new Set(
    ours.filter((each) => each.item === item && each.reason === 'drawn-before').map(({ no }) => no),
  );
  const strata = [];
  for (const { values, key, total, passing } of groups) {
    if (passing.length === 0) continue;
    const ratio = ratioOf(rule, values);
    if (!ratio) throw new Refusal('stratum-without-ratio', { found: values, items: rule.items });
    const eligible = passing.filter((no) => !excluded.has(no));
    const before = passing.filter((no) => drawnBefore.has(no)).length;
    strata.push({ item, values, key, total, base: passing.length, eligible, before, ratio, grade: null });
  }
  for (const level of levelsOf(rule, strata)) planLevel({ rule, share, level });
  const floors = rule.ratios
    .filter((ratio) => ratio.floor !== null)
    .map((ratio) => {
      const population = groups
        .filter(({ values }) => ratioOf(rule, values) === ratio)
        .reduce((sum, { total }) => sum + total, 0);
      return holdFloor({ item, rule, ratio, share, population, strata: strata.filter((s) => s.ratio === ratio) });
    });
  for (const stratum of strata) {
    if (stratum.quota < stratum.wanted) stratum.derivation += `;eligible=${stratum.quota}`;
  }
  return { strata, floors };
}

/** The strata that agree in all values but the region's, which is the last (specs/plan.md §4). */
function levelsOf(rule, strata) {
  const levels = new Map();
  for (const stratum of strata) {
    const key = JSON.stringify(rule.region === null ? stratum.values : stratum.values.slice(0, -1));
    if (!levels.has(key)) levels.set(key, []);
    levels.get(key).push(stratum);
  }
  return levels.values();
}

function gradeOf(rule, values) {
  if (rule.grade === null) return null;
  const found = values[rule.strata.length];
  const grade = rule.grades.find((each) => each.grade === found);
  if (!grade) throw new Refusal('grade-without-rule', { found, expected: rule.grades.map((each) => each.grade) });
  return grade;
}

/** Round once for the level, share the number over its regions, and take off what was drawn before. */
function planLevel({ rule, share, level }) {
  const { ratio, values } = level[0];
  const grade = gradeOf(rule, values);
  const base = level.reduce((sum, stratum) => sum + stratum.base, 0);
  const { number, derivation } = levelQuota({ ratio, grade, share, base });
  const parts = largestRemainder(number, level.map((stratum) => stratum.base));
  level.forEach((stratum, i) => {
    stratum.grade = grade;
    stratum.derivation = derivation;
    let part = parts[i];
    const least = rule.each_region && part === 0 && number > 0;
    if (least) part = 1;
    if (rule.region !== null) stratum.derivation += least ? ';least=1' : `;region=${part}`;
    if (stratum.before > 0) stratum.derivation += `;before=${stratum.before}`;
    stratum.wanted = Math.max(part - stratum.before, 0);
    stratum.quota = Math.min(stratum.wanted, stratum.eligible.length);
  });
}

function levelQuota({ ratio, grade, share, base }) {
  if (grade?.whole) return { number: base, derivation: `all(${base})` };
  const factors = [whole(base), parseRatio(ratio.ratio)];
  const told = [base, ratio.ratio];
  if (grade) {
    factors.push(parseRatio(grade.factor));
    told.push(grade.factor);
  }
  if (share) {
    factors.push(share);
    told.push(lowestTerms(share));
  }
  const { rounding } = grade ?? ratio;
  const number = Math.min(roundQuota(product(...factors), rounding), base); // a factor may be above 1
  return { number, derivation: `${rounding}(${told.join('*')})=${number}` };
}

/**
 * Share a number by largest remainder; of equal remainders the earlier weight's part gets one more (specs/plan.md
 * §4). Strata come sorted by their values, so that earlier is what the rule means.
 */
function largestRemainder(number, weights) {
  const sum = BigInt(weights.reduce((all, weight) => all + weight, 0));
  if (sum === 0n) return weights.map(() => 0);
  const exact = weights.map((weight) => BigInt(number) * BigInt(weight));
  const parts = exact.map((x) => Number(x / sum));
  let left = number - parts.reduce((all, part) => all + part, 0);
  const byRemainder = weights.map((_, i) => i).sort((a, b) => {
    const difference = (exact[b] % sum) - (exact[a] % sum);
    return difference === 0n ? a - b : Number(difference > 0n) * 2 - 1;
  });
  for (const i of byRemainder) if (left-- > 0) parts[i]++;
  return parts;
}

/** Top up where a legal floor is missed (specs/plan.md §5). */
function holdFloor({ item, rule, ratio, share, population, strata }) {
  const told = [population, ratio.floor];
  const factors = [whole(population), parseRatio(ratio.floor)];
  if (share) {
    factors.push(share);
    told.push(lowestTerms(share));
  }
  const needed = Number(ceil(product(...factors)));
  const sum = (value) => strata.reduce((all, stratum) => all + value(stratum), 0);
  const planned = sum((stratum) => stratum.quota + stratum.before);
  const missing = needed - planned;
  if (missing > 0) {
    const open = strata.filter(({ grade }) => grade === null || rule.top_up.includes(grade.grade));
    const spare = open.map((stratum) => stratum.eligible.length - stratum.quota);
    const number = Math.min(missing, spare.reduce((all, each) => all + each, 0));
    largestRemainder(number, spare).forEach((more, i) => {
      if (more === 0) return;
      open[i].wanted += more;
      open[i].quota += more;
      open[i].derivation += `;floor=ceil(${told.join('*')})=${needed}>${planned};top-up=${more}`;
    });
  }
  return { item, of: ratio.of, population, needed, planned, reached: sum((each) => each.quota + each.before) };
}

/** Whether the objects of a stratum are as good as named by its quota (specs/plan.md §7). */
export function singledOut({ quota, base, ratio, grade }) {
  if (quota === 0 || grade?.whole) return false;
  const planned = parseRatio(ratio.ratio);
  if (quota === base) return planned.over < planned.under;
  return compareRatios(whole(quota), product(whole(2 * base), planned)) > 0;
}
