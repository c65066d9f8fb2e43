/** Who serves the page: whoever does chose what it says, so it is said with every verdict (attack 44). */

import { reportLine } from './reading.mjs';

/** The sentence on where this page came from. */
export function servedBy(words) {
  return location.protocol === 'file:'
    ? words.page('served-file')
    : words.page(isSecure() ? 'served-host' : 'served-plain', { host: location.host });
}

/** On plain http anybody on the way can change the page. */
const isSecure = () => globalThis.isSecureContext;

export const isServed = () => /^https?:$/.test(location.protocol);

/** Give the reader a file. */
export function save(bytes, name, type) {
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Give the reader the report. */
export const saveReport = (report) =>
  save(reportLine(report), `report-${report.subject.slice(0, 16)}.json`, 'application/json');
