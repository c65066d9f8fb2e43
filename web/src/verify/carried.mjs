/** Result lists as they are carried. */

import { readResultList, readSealedResult } from '../core/record.mjs';
import { refusedAs } from './report.mjs';

/**
 * The lines of a result list, by kind, whatever its digest: a reader learns what differs.
 * @param {boolean} sealed
 */
export const readCarried = (bytes, sealed) =>
  refusedAs('bad-result-list', {}, () => (sealed ? readSealedResult(bytes) : readResultList(bytes)));
