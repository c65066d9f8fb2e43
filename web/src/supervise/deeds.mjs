/** The cards on what the phone does: cosigning the log, looking at draws, signing off, handing in. */

import { parseDate, parseTime, utf8 } from '../core/encoding.mjs';
import { fill, hash, make } from '../page/dom.mjs';
import { servedBy } from '../page/server.mjs';
import { shownVerdict } from '../page/reading.mjs';
import { VerdictView } from '../page/verdict.mjs';
import { CHAINS, roundTime } from '../core/beacon.mjs';
import { Unreachable } from '../page/sources.mjs';
import { DeskRefused } from './desk.mjs';
import { commitmentsIn, plannedSlots } from './seeds.mjs';
import { refill } from './ui.mjs';

const SHOWN = ['announcement', 'draw', 'plan', 'item-list', 'result'];
const SIGNED_OFF = ['draw', 'plan', 'item-list', 'result'];
const MOST = 12; // matters shown at once
const MAY_SIGN = ['holds', 'sealed'];

const readFile = (file) => file.arrayBuffer().then((buffer) => new Uint8Array(buffer));

/** A button behind which the browser's file chooser is. */
function chooser(ui, code, id, taken) {
  const input = make('input', { type: 'file', hidden: true, id });
  const button = ui.button(code, async () => {
    input.value = '';
    input.click();
    return null;
  });
  input.addEventListener('change', () => input.files.length && ui.act(button, () => readFile(input.files[0]).then(taken)));
  return [button, input];
}

// --- the log -------------------------------------------------------------------------------------------------------

export async function logCard(section, phone, ui, origin) {
  const seen = await phone.seen(origin);
  const cosigned = await phone.cosigned(origin);
  const sure = make('input', { type: 'checkbox', id: 'sure' });
  const online = phone.logOf(origin).urls.length > 0;
  const sign = async (progress) => {
    await phone.refresh(origin, progress);
    await phone.cosign(origin, { sure: sure.checked });
    await ui.redraw();
    return handCosigned(phone, ui, origin);
  };
  const signRequest = async (bytes) => {
    await phone.cosignRequest(bytes);
    await ui.redraw();
    return handed(phone, ui, origin, 'cosigned-by-file');
  };
  refill(
    section,
    ui.title('log-card'),
    ui.p('log-card-why', {}, { class: 'note' }),
    seen && ui.facts(
      ['seen-size', String(seen.size)],
      cosigned && ['seen-time', ui.time(cosigned.at), ' ', ui.say('history-size', { count: cosigned.size })],
    ),
    !cosigned && ui.p('seen-nothing'),
    online && make('div', { class: 'actions' }, ui.button('cosign', sign, { main: true, id: 'cosign' })),
    make('label', { class: 'check' }, sure, make('span', {}, ui.say('clock-sure'))),
    make(
      'details',
      { open: !online },
      make('summary', {}, ui.say('by-file')),
      ui.p('by-file-how', {}, { class: 'note' }),
      make('div', { class: 'actions' }, chooser(ui, 'by-file-choose', 'request', signRequest)),
    ),
    cosigned && make(
      'details',
      { id: 'last-cosigned' },
      make('summary', {}, ui.say('cosigned-last', { size: cosigned.size })),
      ui.handOver('c', utf8(cosigned.note), `checkpoint-${cosigned.size}.cosigned`),
    ),
  );
}

/** Hand the last cosigned checkpoint in; where the desk cannot be reached, it is there to be carried. */
async function handCosigned(phone, ui, origin) {
  const { note } = await phone.cosigned(origin);
  try {
    await phone.deskOf(origin).hand('cosigned', note);
    return handed(phone, ui, origin, 'cosigned-handed');
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof DeskRefused)) throw error;
    return [ui.failed(error), ui.p('cosigned-kept')];
  }
}

async function handed(phone, ui, origin, code) {
  const { size, at } = await phone.cosigned(origin);
  return ui.p(code, { size, time: ui.time(at) }, { class: 'good' });
}

// --- what there is to look at --------------------------------------------------------------------------------------

export async function mattersCard(section, phone, ui, origin, tell) {
  const history = phone.histories.get(origin);
  const bureau = phone.logOf(origin).bureau.name;
  const refresh = (progress) => phone.refresh(origin, progress).then(() => undefined);
  const button = make('div', { class: 'actions' }, ui.button('refresh', refresh, { id: 'refresh' }));
  if (!history) return refill(section, ui.title('matters'), ui.p('matters-unread'), button);
  const shown = history.statements
    .filter(({ statement }) => statement.by === bureau && SHOWN.includes(statement.type))
    .reverse();
  const said = await phone.saidIn(origin);
  const signed = new Set(said.map(({ text }) => JSON.parse(text)).filter(({ type }) => type === 'sign-off').map(({ of }) => of.text));
  refill(
    section,
    ui.title('matters'),
    button,
    ui.p('matters-as-of', { size: history.checkpoint.size }),
    shown.length === 0 && ui.p('matters-none'),
    shown.slice(0, MOST).map((one, i) => matter(phone, ui, origin, one, { open: i === 0, signed: signed.has(one.hash), tell })),
    shown.length > MOST && ui.p('matters-more', { count: shown.length - MOST }),
  );
}

function matter(phone, ui, origin, one, { open, signed, tell }) {
  const { index, hash: text, statement } = one;
  const told = ui.words.say('statement', statement.type);
  return make(
    'details',
    { class: 'matter', open, data: { type: statement.type, index: String(index) } },
    make('summary', {}, make('b', {}, told), ' ', `#${index}`, ' ', make('time', {}, ui.time(parseTime(statement.time)))),
    ui.digits(text, 'compare'),
    factsOf(statement, ui),
    SIGNED_OFF.includes(statement.type) && signing(phone, ui, origin, one, { signed, tell }),
    make('div', { class: 'told', role: 'status' }),
  );
}

/** What a statement fixes, in words. */
function factsOf(statement, ui) {
  switch (statement.type) {
    case 'announcement': {
      const { slots, beacon, window, history_size: size, seed, disclosure } = statement;
      return ui.facts(
        ['slots', slots.join(', ')],
        ['rounds', beacon.map((source) => make('div', {}, roundOf(source, ui)))],
        ['window', parseDate(window)],
        ['seed', ui.say(`seed-${seed.kind}`)],
        ['disclosure', disclosure.kind === 'at-once' ? ui.say('at-once') : ui.say('until', { date: disclosure.date ?? '' })],
        size !== undefined && ['history', ui.say('history-size', { count: size })],
      );
    }
    case 'draw':
      return ui.facts(
        ['of-announcement', `#${statement.announcement.index}`],
        ['counts', ui.say('counts-told', statement.counts)],
        statement.key === null && ['disclosure', ui.say('sealed-now')],
      );
    case 'plan':
      return ui.facts(['plan', statement.plan], ['slots', statement.slots.join(', ')]);
    case 'result':
      return ui.facts(['of-draw', `#${statement.draw.index}`], ['outcomes', String(statement.outcomes.count)]);
    default:
      return null;
  }
}

function roundOf({ beacon, round }, ui) {
  const chain = CHAINS.get(beacon);
  return chain
    ? ui.say('round', { beacon, round, time: ui.time(roundTime(chain, round)) })
    : ui.say('round-of-other', { beacon, round });
}

// --- verifying and signing off -------------------------------------------------------------------------------------

function signing(phone, ui, origin, { hash: text, index, statement }, { signed, tell }) {
  if (signed) return ui.p('signed-off', {}, { class: 'good' });
  const compared = make('input', { type: 'checkbox', id: `compared-${index}` });
  const verdict = make('div', { class: 'verdict-place' });
  const isDraw = statement.type === 'draw';
  let verified = !isDraw;
  const { role: own } = phone.person;
  const verify = async (bundle) => {
    const view = new VerdictView(make('section', {}), ui.words);
    fill(verdict, view.section);
    view.working(ui.words.page('working'));
    verified = false;
    await phone.refresh(origin);
    const file = bundle ?? (await phone.deskOf(origin).bundle(text));
    if (!file) return ui.p('no-bundle', {}, { class: 'trouble' });
    const report = await phone.verify(origin, text, file, () => {});
    verified = MAY_SIGN.includes(shownVerdict(report));
    view.show(report, {
      trust: ui.say('by-own-trust'),
      log: ui.say('log-just-read'),
      asOf: 'as-of-now',
      server: servedBy(ui.words),
    });
    return verified ? ui.p('verified-may-sign', {}, { class: 'good' }) : ui.p('verified-not', {}, { class: 'trouble' });
  };
  const signOff = async () => {
    if (!compared.checked) return ui.p('compare-first', {}, { class: 'trouble' });
    if (!verified) return ui.p('verify-first', {}, { class: 'trouble' });
    const trust = await phone.trustOf(origin);
    if (!trust?.mine) return ui.p('not-enrolled', {}, { class: 'trouble' });
    if (!trust.known) return ui.p('trust-not-compared', {}, { class: 'trouble' });
    // The role is what its owner enrolled in: else the desk would choose as what somebody has signed.
    if (trust.mine.role !== own) return ui.p('role-differs', { expected: ui.role(own), found: ui.role(trust.mine.role) }, { class: 'trouble' });
    await phone.say(origin, { type: 'sign-off', of: { index, text }, role: own });
    return tell();
  };
  return make(
    'div',
    { class: 'signing' },
    isDraw && make('div', { class: 'actions' }, ui.button('verify', () => verify(null), { id: `verify-${index}` }), chooser(ui, 'verify-file', `bundle-${index}`, verify)),
    verdict,
    make('label', { class: 'check' }, compared, make('span', {}, ui.say('compared'))),
    make('div', { class: 'actions' }, ui.button('sign-off', signOff, { main: true, id: `sign-${index}` })),
  );
}

// --- seeds ---------------------------------------------------------------------------------------------------------

/** Committing to a seed before the announcement, and revealing it after; folded away, for most draws have none. */
export function seedsCard(section, phone, ui, origin, tell) {
  const { statements = [] } = phone.histories.get(origin) ?? {};
  const own = commitmentsIn(statements, phone.person.name);
  const slot = make('select', { id: 'seed-slot' }, plannedSlots(statements).map((one) => make('option', { value: one }, one)));
  const digits = make('input', { id: 'seed-digits', inputmode: 'numeric', autocomplete: 'off' });
  const commit = async () => {
    await phone.commit(origin, slot.value, digits.value);
    return tell();
  };
  refill(
    section,
    ui.title('seeds'),
    own.map((one) => seedLine(phone, ui, origin, one, tell)),
    make(
      'details',
      {},
      make('summary', {}, ui.say('seeds-commit')),
      ui.p('seeds-why', {}, { class: 'note' }),
      make('div', { class: 'field' }, make('label', { for: 'seed-slot' }, ui.say('slots')), slot),
      make('div', { class: 'field' }, make('label', { for: 'seed-digits' }, ui.say('seeds-digits')), digits),
      make('div', { class: 'actions' }, ui.button('seeds-do', commit, { id: 'commit' })),
    ),
  );
}

function seedLine(phone, ui, origin, one, tell) {
  const { slot, index, announcement, revealed } = one;
  const until = announcement && ui.time(lastMoment(announcement.statement));
  return make(
    'div',
    { class: 'said', data: { slot } },
    make('p', {}, make('b', {}, slot), ` #${index}`),
    revealed
      ? ui.p('seeds-revealed', {}, { class: 'note' })
      : announcement
        ? [ui.p('seeds-asked', { index: announcement.index, time: until }, { class: 'warning' }), make('div', { class: 'actions' }, ui.button('seeds-reveal', async () => (await phone.reveal(origin, one), tell()), { main: true, id: `reveal-${index}` }))]
        : ui.p('seeds-waits', {}, { class: 'note' }),
  );
}

/** The first of the announced rounds: a seed that is revealed later counts for nothing. */
const lastMoment = ({ beacon, margin }) =>
  Math.min(...beacon.map(({ beacon: id, round }) => (CHAINS.has(id) ? roundTime(CHAINS.get(id), round) : Infinity))) - margin;

// --- what was said -------------------------------------------------------------------------------------------------

export async function saidCard(section, phone, ui, origin) {
  const said = await phone.saidIn(origin);
  const logged = new Map(phone.loggedIn(origin).map(({ hash: text, index }) => [text, index]));
  refill(
    section,
    ui.title('said'),
    said.length === 0 && ui.p('said-nothing'),
    [...said].reverse().map((one) => statementLine(phone, ui, origin, one, logged.get(one.hash))),
    said.some(({ hash: text }) => !logged.has(text)) &&
      make('div', { class: 'actions' }, ui.button('hand-again', () => handAll(phone, ui, origin), { main: true, id: 'hand-again' })),
  );
}

function statementLine(phone, ui, origin, { seq, text, hash: identity, entry }, index) {
  const { type, time, of } = JSON.parse(text);
  return make(
    'div',
    { class: 'said', data: { logged: String(index !== undefined) } },
    make('p', {}, make('b', {}, ui.words.say('statement', type)), of ? ` #${of.index}` : '', ' ', make('time', {}, ui.time(parseTime(time)))),
    make('p', { class: 'note' }, index === undefined ? ui.say('said-waits') : ui.say('said-logged', { index })),
    make('p', {}, hash(identity)),
    index === undefined && entry && make('details', {}, make('summary', {}, ui.say('by-hand')), ui.handOver('s', entry, `statement-${seq}.entry`)),
  );
}

/** Hand in, in their order, what is not in the log: the very bytes that are stored. */
export async function handAll(phone, ui, origin) {
  await phone.finishAll(origin);
  const logged = new Set(phone.loggedIn(origin).map(({ hash: text }) => text));
  const waiting = (await phone.saidIn(origin)).filter(({ hash: text, entry }) => entry && !logged.has(text));
  const desk = phone.deskOf(origin);
  try {
    for (const { entry } of waiting) await desk.hand('statement', entry);
    await phone.refresh(origin);
  } catch (error) {
    await ui.redraw();
    if (!(error instanceof Unreachable || error instanceof DeskRefused)) throw error;
    return [ui.failed(error), ui.p('said-kept')];
  }
  await ui.redraw();
  return ui.p('said-handed', { count: waiting.length }, { class: 'good' });
}
