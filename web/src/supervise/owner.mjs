/** The cards on whose phone it is: its keys, the invitation, the enrolment, what to do about a lost key. */

import { sha256hex } from '../core/encoding.mjs';
import { keep, recall } from '../page/memory.mjs';
import { fill, hash, make } from '../page/dom.mjs';
import { save } from '../page/server.mjs';
import { MIN_PASSPHRASE } from './keys.mjs';
import { readPhoto } from './qr.mjs';
import { refill } from './ui.mjs';

const HELD = 'fairdraw-supervise-held';
const ROLES = ['discipline', 'people-congress', 'cppcc', 'social', 'legal', 'superior', 'department', 'approver', 'inspecting-unit'];
const REASONS = ['lost', 'stolen', 'destroyed'];

// --- keys ----------------------------------------------------------------------------------------------------------

/** Whose phone it is, or the form that makes the keys. `holds` is whether the browser makes keys it does not give out. */
export function ownerCard(section, phone, ui, holds) {
  if (phone.person) return refill(section, ui.title('who'), ...owner(phone, ui));
  refill(section, ui.title('make-keys'), lostHere(ui), ...makeKeys(phone, ui, holds));
}

function owner(phone, ui) {
  const { name, role, supervisor, witness } = phone.person;
  keep(HELD, JSON.stringify({ name, vkey: supervisor.vkey }));
  return [
    ui.facts(
      ['name', ui.code(name)],
      ['role', ui.role(role)],
      ['key-kind', ui.say(`kind-${supervisor.kind}`)],
    ),
    ui.folded('public-keys', ui.keys(['supervisor-key', supervisor.vkey], ['witness-key', witness.vkey])),
    mayGo(ui),
    phone.locked && unlockForm(phone, ui),
  ];
}

/** Where the browser has not promised to keep what is kept here, its owner is told. */
function mayGo(ui) {
  const place = make('div');
  Promise.resolve(globalThis.navigator?.storage?.persisted?.() ?? false)
    .catch(() => false)
    .then((promised) => promised || fill(place, ui.p('store-may-go', {}, { class: 'note' })));
  return place;
}

/** A browser that clears its data clears the keys, and often leaves this note. */
function lostHere(ui) {
  try {
    const { name, vkey } = JSON.parse(recall(HELD));
    return make('div', { class: 'alarm', role: 'alert' }, ui.p('storage-lost', { name: String(name) }), make('p', {}, ui.code(String(vkey))));
  } catch {
    return null;
  }
}

function makeKeys(phone, ui, holds) {
  const name = make('input', { id: 'name', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  const role = make('select', { id: 'role' }, ROLES.map((one) => make('option', { value: one }, bothIn(ui.role(one)))));
  const passphrase = make('input', { id: 'passphrase', type: 'password', autocomplete: 'new-password' });
  const create = () => {
    const how = { holds };
    if (!holds && passphrase.value !== '') how.passphrase = passphrase.value;
    if (how.passphrase !== undefined && how.passphrase.length < MIN_PASSPHRASE) {
      return ui.p('passphrase-short', { count: MIN_PASSPHRASE }, { class: 'trouble' });
    }
    return phone.create({ name: name.value.trim(), role: role.value }, how).then(persist);
  };
  return [
    ui.p('make-keys-why'),
    field(ui, 'name', name, 'name-how'),
    field(ui, 'role', role, 'role-how'),
    ui.p(holds ? 'keys-held' : 'keys-copied', {}, { class: holds ? 'note' : 'warning' }),
    !holds && field(ui, 'passphrase', passphrase, 'passphrase-how'),
    ui.p('keys-no-copy', {}, { class: 'note' }),
    make('div', { class: 'actions' }, ui.button('make-keys-do', create, { main: true, id: 'make-keys' })),
  ];
}

/** Ask the browser not to clear what is kept here; it may refuse, and nothing changes. */
async function persist() {
  await globalThis.navigator?.storage?.persist?.().catch(() => false);
}

/** An option can hold no elements: it has both languages, one after the other. */
const bothIn = (sentence) => (typeof sentence === 'string' ? sentence : `${sentence.zh} ${sentence.en}`);

function field(ui, code, input, how) {
  return make(
    'div',
    { class: 'field' },
    make('label', { for: input.id }, ui.say(code)),
    input,
    how && make('p', { class: 'note' }, ui.say(how)),
  );
}

function unlockForm(phone, ui) {
  const input = make('input', { id: 'unlock', type: 'password', autocomplete: 'current-password' });
  return make(
    'div',
    { class: 'warning' },
    field(ui, 'passphrase', input, 'unlock-why'),
    make('div', { class: 'actions' }, ui.button('unlock-do', () => phone.unlock(input.value), { main: true, id: 'unlock-do' })),
  );
}

// --- invitation and enrolment --------------------------------------------------------------------------------------

/** Taking an invitation: the camera opened this page with it, or a photograph, or a paste. */
export function invitationCard(section, phone, ui) {
  const area = make('textarea', { id: 'invitation', rows: '3', spellcheck: 'false', autocomplete: 'off' });
  const photo = make('input', { type: 'file', accept: 'image/*', hidden: true, id: 'photo' });
  const take = async (text) => void phone.readInvitation(text);
  const open = ui.button('photo', async () => {
    photo.value = '';
    photo.click();
    return null;
  });
  photo.addEventListener('change', () => photo.files.length && ui.act(open, async () => take(await readPhoto(photo.files[0]))));
  const taking = [
    ui.p('invitation-how'),
    make('div', { class: 'actions' }, open, photo),
    make('label', { for: 'invitation' }, ui.say('invitation-paste')),
    area,
    make('div', { class: 'actions' }, ui.button('invitation-take', () => take(area.value.trim()), { id: 'take-invitation' })),
  ];
  if (phone.pending) return refill(section, ui.title('invitation-read'), ...pending(phone, ui));
  if (!phone.logs.length) return refill(section, ui.title('invitation'), taking);
  refill(
    section,
    ui.title('invited'),
    phone.logs.map((invited) => logFacts(invited, ui, { taken: true })),
    make('details', { class: 'again' }, make('summary', {}, ui.say('invitation-again')), taking),
  );
}

/** An invitation that was read and not yet taken. */
function pending(phone, ui) {
  const drop = async () => void (phone.pending = null);
  return [
    logFacts(phone.pending, ui),
    make(
      'div',
      { class: 'actions' },
      ui.button('invitation-same', () => phone.takeInvitation().then(() => undefined), { main: true, id: 'invitation-same' }),
      ui.button('invitation-drop', drop, { id: 'invitation-drop' }),
    ),
  ];
}

/** Of an invitation that was taken the digits are folded away: of large digits on the page those of a draw are meant. */
function logFacts({ log, bureau, urls, digest, rehearsal }, ui, { taken = false } = {}) {
  return [
    rehearsal && make('p', { class: 'rehearsal' }, ui.words.page('rehearsal')),
    !taken && ui.digits(digest, 'invitation-compare'),
    ui.facts(
      ['log', ui.code(log.name)],
      ['bureau', ui.code(bureau.name)],
      ['desk', urls.length ? urls.map((url) => make('div', {}, ui.code(url))) : ui.say('desk-none')],
    ),
    taken && ui.folded('invitation-digits', ui.digits(digest)),
    ui.folded('public-keys', ui.keys(['log-key', log.vkey], ['bureau-key', bureau.vkey])),
  ];
}

/** The enrolment: its digits are read aloud, whatever way its code takes to the desk. */
export async function enrolmentCard(section, phone, ui, origin) {
  const trust = await phone.trustOf(origin).catch((error) => ({ error }));
  if (trust?.mine) return refill(section, ui.title('enrolled'), ...standing(phone, ui, origin, trust));
  const { data, digest } = await phone.enrolment(origin);
  refill(
    section,
    ui.title('enrolment'),
    trust?.named && make('div', { class: 'alarm' }, ui.p('named-other', { name: phone.person.name })),
    trust?.error && ui.failed(trust.error),
    ui.p('enrolment-how'),
    ui.digits(digest, 'read-aloud'),
    make(
      'div',
      { class: 'actions' },
      ui.button('enrolment-hand', async () => {
        await phone.deskOf(origin).hand('enrolment', data);
        return ui.p('enrolment-handed', {}, { class: 'good' });
      }, { main: true, id: 'hand-enrolment' }),
      ui.button('enrolment-check', async () => undefined, { id: 'check-enrolment' }),
    ),
    ui.handOver('e', data, `${phone.person.name.replaceAll('/', '_')}.enrolment`),
  );
}

/** The phone is in the trust file; whether that file is the one it may go by. */
function standing(phone, ui, origin, { bytes, digest, known, mine, cosigns }) {
  return [
    mine.role === phone.person.role
      ? ui.p('enrolled-as', { role: ui.role(mine.role) }, { class: 'good' })
      : ui.p('role-differs', { expected: ui.role(phone.person.role), found: ui.role(mine.role) }, { class: 'alarm' }),
    !cosigns && ui.p('enrolled-no-witness', {}, { class: 'note' }),
    known ? ui.folded('trust-known', ui.digits(digest)) : ui.digits(digest, 'trust-compare'),
    !known &&
      make(
        'div',
        { class: 'actions' },
        ui.button('trust-same', () => phone.compareTrust(origin, { bytes, digest }), { id: 'trust-same' }),
      ),
  ];
}

// --- renewal, loss, evidence ---------------------------------------------------------------------------------------

export function troubleCard(section, phone, ui, origin, tell) {
  refill(
    section,
    ui.title('trouble'),
    make(
      'details',
      {},
      make('summary', {}, ui.say('renew')),
      ui.p('renew-why'),
      make('div', { class: 'actions' }, ui.button('renew-do', () => phone.renew().then(tell), { id: 'renew' })),
    ),
    make('details', {}, make('summary', {}, ui.say('loss')), ui.p('loss-why'), ...lossForm(phone, ui, origin, tell)),
  );
}

/** What this phone caught stands above everything else, for as long as the phone keeps anything. */
export function evidenceCard(section, phone, ui) {
  if (!phone.evidence.length) return fill(section);
  const told = make(
    'div',
    { class: 'alarm', id: 'evidence' },
    ui.p('evidence'),
    phone.evidence.map(({ code, origin, at, digest, bytes }) =>
      make(
        'div',
        {},
        ui.p(`${code}-kept`, { log: origin, time: ui.time(at) }),
        make('p', {}, hash(digest)),
        make(
          'div',
          { class: 'actions' },
          make('button', { type: 'button', on: { click: () => save(bytes, `${code}-${digest.slice(0, 16)}.txt`, 'text/plain') } }, ui.say('evidence-save')),
        ),
      ),
    ),
  );
  fill(section, told);
}

function lossForm(phone, ui, origin, tell) {
  const key = make('input', { id: 'loss-key', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'none' });
  const reason = make('select', { id: 'loss-reason' }, REASONS.map((one) => make('option', { value: one }, bothIn(ui.say(`loss-${one}`)))));
  const report = async () => {
    await phone.say(origin, { type: 'loss', key: key.value.trim(), reason: reason.value });
    return tell();
  };
  return [
    field(ui, 'loss-key', key, 'loss-key-how'),
    field(ui, 'loss-reason', reason),
    make('div', { class: 'actions' }, ui.button('loss-do', report, { id: 'report-loss' })),
  ];
}

/** Whether this very page is the one that somebody vouches for: its own SHA-256, where it may read itself. */
export async function ownDigest() {
  if (!/^https?:$/.test(location.protocol)) return null;
  try {
    const response = await fetch(location.href.split('#')[0], { cache: 'force-cache' });
    return response.ok ? sha256hex(new Uint8Array(await response.arrayBuffer())) : null;
  } catch {
    return null;
  }
}

