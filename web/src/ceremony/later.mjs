/** The desk after the draw: paper, signatures, scans. */

import { make } from '../page/dom.mjs';
import { act } from './door.mjs';
import { button, panel } from './parts.mjs';
import { roleName, say, told } from './words.mjs';

/** The record, printed from a frame of this page by one key; the files are named for whoever's printer is broken. */
export function paper(desk) {
  const { papers, folder } = desk.state;
  const best = ['record.sealed.html', 'record.html'].find((name) => papers.includes(name));
  return panel(
    'paper',
    make('p', { class: 'actions' }, button('print', 'P', say('print'), () => print(desk, best), { class: 'main', disabled: !best })),
    make('p', {}, say(best ? 'paper-file' : 'paper-none')),
    make('ul', {}, papers.map((name) => make('li', {}, make('code', {}, `${folder}/${name}`)))),
  );
}

async function print(desk, name) {
  const { ok, answer } = await act({ do: 'paper', name });
  if (!ok) {
    desk.refuse(told(answer.error));
    return;
  }
  document.querySelector('iframe.paper')?.remove();
  const frame = make('iframe', { class: 'paper', src: answer.path, title: say('panel-paper'), tabindex: -1 });
  frame.addEventListener('load', () => {
    frame.contentWindow.focus();
    frame.contentWindow.print();
    frame.blur(); // else the keys would go to the paper
    window.focus();
  });
  document.body.append(frame);
}

export function signing(desk) {
  const { present, on_paper: onPaper, by_phone: byPhone } = desk.state;
  const roles = [...new Set([...present.map(([role]) => role), ...onPaper, ...byPhone])];
  return panel(
    'signing',
    make('p', {}, say('signing-how')),
    make(
      'ul',
      { class: 'roles' },
      roles.map((role) => {
        const box = make('input', { type: 'checkbox', id: `signed-${role}`, checked: onPaper.includes(role) });
        box.addEventListener('change', () => desk.do('signed', { role, on: box.checked }));
        return make('li', {}, make('label', {}, box, ' ', roleName(role)), byPhone.includes(role) && make('span', {}, say('by-phone')));
      }),
    ),
  );
}

/** The signed sheet as it was scanned: the file stays with the bureau, its digest goes into the log. */
export function scan(desk) {
  const file = make('input', { id: 'scan', type: 'file', accept: '.pdf,.jpg,.jpeg,.png' });
  file.addEventListener('change', async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (await desk.do('scan', { name: chosen.name, data: base64(new Uint8Array(await chosen.arrayBuffer())) })) {
      desk.tell(say('scan-logged'));
    }
    file.value = '';
  });
  return panel('scan', make('p', {}, say('scan-how')), make('label', { for: 'scan' }, say('scan-file')), file, make('p', { role: 'status' }, say('scans', { count: desk.state.drawn.scans })));
}

function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
