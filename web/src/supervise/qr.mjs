/** Codes to show and to photograph: no image is loaded and none leaves the phone. */

import encodeQR from 'qr';
import decodeQR from 'qr/decode.js';

import { Refusal } from '../core/errors.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const QUIET = 4; // modules
const LARGEST = 1600; // pixels a side: more only takes longer

/** A QR code as a drawing; `label` says what it is to those who do not see it. */
export function qrOf(text, label) {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: QUIET });
  const dark = rows.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute('class', 'qr');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', dark.join(''));
  svg.append(path);
  svg.dataset.code = text;
  return svg;
}

/** The text of the QR code in a photograph. */
export async function readPhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Refusal('no-code-in-photo');
  }
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  try {
    return decodeQR({ width: canvas.width, height: canvas.height, data });
  } catch {
    throw new Refusal('no-code-in-photo');
  }
}
