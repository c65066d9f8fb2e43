/**
 * Reading a regulation's artifact, field by field (specs/regulation.md §1 to §5).
 *
 * The tables below are the specification's, with the direction in which each rule is stricter: `deriving.mjs` compares
 * a regulation with its parent by them.
 */

import { canonical, parse, sha256hex } from './encoding.mjs';
import { Refusal } from './errors.mjs';
import {
  boolean,
  code,
  date,
  hash,
  id,
  integer,
  list,
  maybe,
  monthDay,
  needOnce,
  notCanonical,
  oneOf,
  ratio,
  refuse,
  share,
  silent,
  table,
  text,
} from './fieldtypes.mjs';

const MAX_BYTES = 1048576;
const MAX_TEAM = 50;
const MAX_SUPERVISORS = 100;

// --- what a field of §2 is: a provision, or entries with a key ---

const CITED = {
  cite: list(text, { filled: true, once: true }),
  principle: silent(boolean),
  laxer: silent(maybe(code)),
};

/** @param {string} stricter the direction of §2, as `deriving.mjs` knows it */
const provision = (type, stricter) => ({ stricter, type: silent(maybe(table({ value: type, ...CITED }))) });

/** @param {string[]} keys the fields that make an entry's key */
const entries = (keys, stricter, fields, also) => ({
  keys,
  stricter,
  type: silent((value, key) => {
    list(table({ ...fields, ...CITED }, also))(value, key);
    needOnce(
      key,
      value.map((entry) => entryKey(keys, entry)),
    );
  }),
});

/** The fields in brackets of §2, joined by `/`, with `-` for null. */
export const entryKey = (keys, entry) => keys.map((name) => entry[name] ?? '-').join('/');

const named = (stricter, more = {}) => entries(['id'], stricter, { id, zh: text, en: text, ...more });
const CODED = { code, zh: text, en: text };
const coded = (stricter, more = {}) => entries(['code'], stricter, { ...CODED, ...more });

/** The roles of the trust file that rules speak of, and any supervisor (§3.4). */
const role = oneOf(
  'any',
  'approver',
  'cppcc',
  'department',
  'discipline',
  'inspecting-unit',
  'legal',
  'people-congress',
  'social',
  'superior',
);
const duties = () => entries(['of', 'role'], 'all', { of: oneOf('item-list', 'plan', 'draw', 'result'), role });

const limitKind = oneOf('floor', 'exact', 'ceiling');
const category = maybe(oneOf('key', 'general'));
const levels = oneOf('province', 'city', 'county');
const times = integer(1);

/** The values of each reading (§5); the first is the one proposed. */
export const READINGS = new Map([
  ['rounding', ['by-kind']],
  ['denominator', ['before-exclusions']],
  ['best-credit', ['stratum-ratio']],
  ['floor-top-up', ['top-up']],
  ['full-coverage', ['over-ratio']],
  ['cap-year', ['draw-year']],
  ['instalments', ['allowed', 'one-draw']],
  ['working-days', ['day-after']],
  ['joint-each', ['each-side', 'in-all']],
  ['includes-number', ['inclusive']],
  ['pool', ['all', 'drawn-first']],
  ['substitute-from', ['registry']],
  ['late-recusal', ['reason-and-digest']],
  ['masked-public', ['numbers-then-names']],
  ['regional-balance', ['largest-remainder', 'at-least-one']],
  ['directed-filter', ['frozen-expression']],
  ['noncooperation-per', ['task', 'year']],
  ['first-found', ['logged-history']],
  ['grade-date', ['snapshot']],
  ['typed-ids', ['typed']],
]);

/** An item, in a regulation and in a list of items (§3.1, specs/compliance.md §2). */
const ITEM = {
  id,
  name: text,
  name_en: text,
  content: silent(maybe(text)),
  content_en: silent(maybe(text)),
  objects: silent(maybe(text)),
  types: silent(list(id, { once: true })),
  category: silent(category),
  methods: silent(list(code, { once: true })),
  bodies: silent(list(text, { once: true })),
  levels: silent(list(levels, { once: true })),
  basis: silent(list(text, { once: true })),
  ratio: silent(maybe(share)),
  ratio_kind: silent(maybe(limitKind)),
  frequency: silent(maybe(table({ kind: oneOf('at-most', 'at-least', 'exactly'), times }))),
};

function ratioWithKind(item, key) {
  if ((item.ratio === null) !== (item.ratio_kind === null)) {
    refuse('ratio-without-kind', key, null, ['ratio', 'ratio_kind']);
  }
}

export const checkItem = table({ ...ITEM, ...CITED }, ratioWithKind);

function factorOrFull(grade, key) {
  if ((grade.factor === null) !== grade.full) refuse('factor-or-full', key, null, ['factor', 'full']);
}

const ground = table(
  { code: oneOf('amount-below', 'benchmark', 'first-found'), value: silent(maybe(integer(1))) },
  (value, key) => {
    if ((value.code === 'first-found') !== (value.value === null)) refuse('ground-without-number', key, value.code);
  },
);

const validity = table({ from: date, until: silent(maybe(date)) }, ({ from, until }, key) => {
  if (until !== null && until < from) refuse('ends-before-it-begins', key, until, from);
});

const publication = table(
  { unit: oneOf('working-days', 'statutory', 'promptly'), days: silent(maybe(integer(1))) },
  ({ unit, days }, key) => {
    if ((unit === 'working-days') !== (days !== null)) refuse('days-without-unit', key, null, ['days', 'unit']);
  },
);

const nested = (fields) => list(table({ ...fields, ...CITED }));
const credit = table({
  subjects: (value, key) =>
    list(table({ ...CODED, kind: oneOf('body', 'person'), ...CITED }), { filled: true })(value, key),
  data: silent(nested(CODED)),
  rights: silent(nested(CODED)),
  incentives: silent(nested(CODED)),
  measures: silent(nested(CODED)),
});

const some = (...values) => list(oneOf(...values), { filled: true, once: true });

/** Every rule of §2. What has no direction is the document's own, and is never compared (§6.1). */
export const RULES = new Map(
  Object.entries({
    validity: provision(validity, null),
    // §2.1 what may be inspected
    list_only: provision(boolean, 'true'),
    one_visit: provision(boolean, 'true'),
    items: entries(['id'], 'all', ITEM, ratioWithKind),
    item_fields: named('all'),
    items_adjustable: provision(boolean, 'true'),
    methods: coded('none but'),
    exceptions: coded('none but'),
    // §2.2 registries
    object_types: named('all', { optional: silent(boolean) }),
    object_fields: named('all'),
    inspector_fields: named('all'),
    inspectors: named('none but'),
    qualification: provision(oneOf('required', 'principle', 'not-required'), 'qualification'),
    experts: provision(boolean, 'false'),
    expert_kinds: named('none but'),
    registries_adjustable: provision(boolean, 'true'),
    registry_levels: provision(some('province', 'city', 'county'), 'all'),
    // §2.3 plan
    plan_deadline: provision(monthDay, 'less'),
    plan_fields: named('all'),
    plan_adjustable: provision(boolean, 'false'),
    adjustment_reasons: coded('none but'),
    plan_filing: provision(role, 'as it is'),
    special_plan: provision(boolean, 'false'),
    scheme: provision(boolean, 'true'),
    // §2.4 how many
    ratios: entries(['type', 'item', 'category', 'period'], 'all', {
      type: silent(maybe(id)),
      item: silent(maybe(id)),
      category: silent(category),
      ratio: share,
      kind: limitKind,
      period: oneOf('draw', 'year'),
    }),
    yearly_cap: provision(times, 'less'),
    controls: coded('all'),
    grades: entries(
      ['grade'],
      'all',
      {
        grade: id,
        zh: text,
        en: text,
        factor: silent(maybe(ratio)),
        kind: silent(oneOf('exact', 'at-most', 'at-least')),
        full: silent(boolean),
      },
      factorOrFull,
    ),
    exemption: provision(boolean, 'false'),
    weightings: coded('all', { towards: oneOf('more', 'less', 'either') }),
    directed: provision(some('type', 'industry', 'region', 'scheme'), 'none but'),
    regional_balance: provision(oneOf('proportional'), 'as it is'),
    // §2.5 who inspects
    order: provision(oneOf('both', 'objects-first'), 'as it is'),
    team: provision(integer(1, MAX_TEAM), 'more'),
    joint: provision(table({ each: silent(maybe(integer(1))) }), 'joint'),
    departments: named('all'),
    eligibility: provision(some('level', 'territory', 'speciality'), 'all'),
    recusal_reasons: coded('all'),
    special_team: provision(boolean, 'false'),
    // §2.6 the draw
    platform: provision(text, null),
    drawing_unit: provision(text, null),
    separation: provision(boolean, 'true'),
    dispatch: provision(boolean, 'true'),
    masking: provision(boolean, 'true'),
    printed: provision(boolean, 'true'),
    disclosure: provision(oneOf('at-once', 'until-visit'), 'as it is'),
    supervisors: provision(
      table({ roles: list(role, { filled: true, once: true }), minimum: integer(0, MAX_SUPERVISORS) }),
      'supervisors',
    ),
    sign_offs: duties(),
    void_reasons: coded('none but'),
    // §2.7 after the draw
    substitution: provision(table({ from: silent(maybe(oneOf('registry'))), fresh: boolean }), 'substitution'),
    substitution_reasons: coded('none but'),
    deferral: provision(table({ written: boolean }), 'deferral'),
    deferral_reasons: coded('none but'),
    visit: coded('all'),
    form_refusal: provision(table({ reason: boolean, witness: boolean }), 'as it is'),
    noncooperation: provision(table({ times, per: oneOf('task', 'year') }), 'noncooperation'),
    noncooperation_acts: coded('all'),
    trace: coded('all'),
    reuse: coded('none but'),
    // §2.8 results
    results: coded('all'),
    disposals: coded('all'),
    transfers: coded('all'),
    revisit: provision(boolean, 'true'),
    signers: duties(),
    publication: provision(publication, 'publication'),
    public: coded('all'),
    publication_exceptions: coded('none but'),
    retention: provision(table({ years: silent(maybe(integer(1))), unaltered: silent(boolean) }), 'retention'),
    liability: coded('all'),
    // §2.9 credit, leniency, readings
    credit: provision(credit, 'as it is'),
    leniency: entries(['list', 'number'], 'none but', {
      list: oneOf('mitigated', 'none', 'lighter', 'first-time'),
      number: integer(1),
      zh: text,
      en: text,
      grounds: list(ground, { filled: true }),
    }),
    readings: entries(
      ['code'],
      'all',
      { code: oneOf(...READINGS.keys()), value: text },
      ({ code: name, value }, key) => {
        if (!READINGS.get(name).includes(value)) refuse('not-one-of', `${key}.value`, value, READINGS.get(name));
      },
    ),
  }),
);

const REGULATION = table(
  {
    v: silent(oneOf(0)),
    id,
    extends: silent(maybe(table({ id, digest: hash }))),
    dropped: silent((value, key) => {
      list(table({ rule: text, laxer: silent(maybe(code)) }))(value, key);
      needOnce(
        key,
        value.map((one) => one.rule),
      );
    }),
    document: table({
      issuer: silent(maybe(text)),
      number: silent(maybe(text)),
      title: text,
      title_en: text,
      issued: silent(maybe(date)),
      status: oneOf('draft', 'in-force', 'plan'),
    }),
    ...Object.fromEntries([...RULES].map(([name, rule]) => [name, rule.type])),
  },
  (regulation) => {
    needNamesKnown(regulation);
    needExemption(regulation);
    needParent(regulation);
  },
);

/** Types, items and methods that rules speak of are the regulation's own. */
function needNamesKnown({ object_types, methods, items, ratios }) {
  const types = new Set(object_types.map((one) => one.id));
  const codes = new Set(methods.map((one) => one.code));
  const ids = new Set(items.map((one) => one.id));
  const need = (known, name, key) => {
    if (!known.has(name)) refuse('not-one-of', key, name, [...known]);
  };
  for (const item of items) {
    for (const type of item.types) need(types, type, `items.${item.id}.types`);
    for (const method of item.methods) need(codes, method, `items.${item.id}.methods`);
  }
  for (const limit of ratios) {
    const key = `ratios.${entryKey(RULES.get('ratios').keys, limit)}`;
    if (limit.type !== null) need(types, limit.type, `${key}.type`);
    if (limit.item !== null) need(ids, limit.item, `${key}.item`);
  }
}

/** Nobody of a grade is drawn only where the document exempts (§3.3). */
function needExemption({ grades, exemption }) {
  if (exemption?.value === true) return;
  const exempt = grades.find((grade) => grade.factor?.startsWith('0/'));
  if (exempt) refuse('exemption-not-allowed', `grades.${exempt.grade}.factor`, exempt.factor);
}

/** What derives from nothing is not laxer than anything (§6.1). */
function needParent(regulation) {
  if (regulation.extends !== null) return;
  if (regulation.dropped.length) refuse('laxer-than-nothing', 'dropped', regulation.dropped[0].rule);
  for (const { rule, said } of rulesOf(regulation)) {
    if (said.laxer !== null) refuse('laxer-than-nothing', rule, said.laxer);
  }
}

/** All that a regulation says, each with its name, `<field>` or `<field>.<key>`. */
export function* rulesOf(regulation) {
  for (const [field, { keys }] of RULES) {
    if (keys) for (const said of regulation[field]) yield { rule: `${field}.${entryKey(keys, said)}`, field, said };
    else if (regulation[field] !== null) yield { rule: field, field, said: regulation[field] };
  }
}

/**
 * The regulation of an artifact, with the artifact's `digest` (§1).
 *
 * @param {Uint8Array} bytes
 */
export function readRegulation(bytes) {
  if (bytes.length > MAX_BYTES) {
    throw new Refusal('regulation-too-long', { file: 'regulation', expected: MAX_BYTES, found: bytes.length });
  }
  if (bytes[bytes.length - 1] !== 0x0a) throw notCanonical('unfinished-line');
  let value;
  try {
    value = parse(bytes.subarray(0, -1));
  } catch (error) {
    throw error instanceof Refusal ? notCanonical(error.code) : error;
  }
  REGULATION(value, '');
  return Object.assign(value, { digest: sha256hex(bytes) });
}

/**
 * The limits of ratios, to be asked for by type, item and period (§4).
 *
 * @param {object} regulation
 * @returns {(of: {type: string|null, item: string, period: 'draw'|'year'}) =>
 *   {ratio: string, kind: string, cite: string[]}|null}
 */
export function limitsOf({ items, ratios }) {
  const listed = new Map(items.map((item) => [item.id, item]));
  const named = (limit) => canonical([limit.type, limit.item, limit.category, limit.period]);
  const limits = new Map(ratios.map((limit) => [named(limit), limit]));
  return ({ type, item, period }) => {
    const own = listed.get(item);
    if (period === 'draw' && own && own.ratio !== null)
      return { ratio: own.ratio, kind: own.ratio_kind, cite: own.cite };
    // From what names all three to what names nothing: 4 for an item, 2 for a type and 1 for a category.
    for (let names = 7; names >= 0; names--) {
      const asked = {
        item: names & 4 ? item : null,
        type: names & 2 ? type : null,
        category: names & 1 ? (own?.category ?? null) : null,
        period,
      };
      const limit = limits.get(named(asked));
      if (limit) return limit;
    }
    return null;
  };
}

/** How special a limit is: what it names counts 4, 2 and 1 (§4). Two that fit one object are never equally special. */
export const special = ({ item, type, category: of }) =>
  Number(item !== null) * 4 + Number(type !== null) * 2 + Number(of !== null);
