/**
 * What a phone keeps: keys, what it has seen and signed, evidence. One browser, one store, however many pages are open.
 *
 * `change` is the one way to write. It reads and writes within one transaction, so that of two pages at one moment the
 * second decides by what the first has stored; a lock of the browser's would not do, for plain http has none.
 */

const NAME = 'fairdraw-supervise';
const TABLE = 'kept';

/** The browser keeps nothing here: a private window, a page from a place that may not, or no room left. */
export class NoStore extends Error {}

/** Open the browser's store. */
export async function openStore(factory = globalThis.indexedDB) {
  if (!factory) throw new NoStore('no-store');
  const request = factory.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  try {
    return new Store(await settled(request));
  } catch (error) {
    throw new NoStore(String(error?.message ?? error));
  }
}

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });

class Store {
  #database;

  constructor(database) {
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  /** The value under a key, or null. */
  async get(key) {
    const table = this.#database.transaction(TABLE).objectStore(TABLE);
    return (await settled(table.get(key))) ?? null;
  }

  /** Values whose keys begin so, in the order of their keys. */
  all(prefix) {
    const table = this.#database.transaction(TABLE).objectStore(TABLE);
    return settled(table.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
  }

  /**
   * Read some keys, and write what `decide` makes of their values: a list of `[key, value]`, null to remove. It is done
   * when it is on the disk, not when the browser has heard of it. What `decide` throws undoes it all.
   */
  change(keys, decide) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(TABLE, 'readwrite', { durability: 'strict' });
      const table = transaction.objectStore(TABLE);
      const values = [];
      let failed = null;
      const decideNow = () => {
        try {
          for (const [key, value] of decide(...values)) value === null ? table.delete(key) : table.put(value, key);
        } catch (error) {
          failed = error;
          transaction.abort();
        }
      };
      keys.forEach((key, i) => {
        const request = table.get(key);
        request.onsuccess = () => {
          values[i] = request.result ?? null;
          if (i === keys.length - 1) decideNow(); // requests are answered in their order
        };
      });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failed ?? new NoStore(String(transaction.error?.message ?? 'aborted'))); // full, as a rule
      transaction.onerror = () => {}; // an abort follows
    });
  }
}
