/** What axe-core has to say about a page. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/** That it finds nothing to mend, by day and by night. The night changes colours, and no other rule. */
export async function findsNothing(page, what) {
  await page.evaluate(AXE);
  for (const [colorScheme, options] of [
    ['light', {}],
    ['dark', { runOnly: ['color-contrast'] }],
  ]) {
    await page.emulateMedia({ colorScheme });
    const { violations, passes } = await page.evaluate((given) => globalThis.axe.run(document, given), options);
    const told = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
    assert.deepEqual(told, [], `${what}, ${colorScheme}`);
    assert.ok(
      passes.some(({ id }) => id === 'color-contrast'),
      `${what}: the contrast was measured`,
    );
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
