/** Flows against a plain search, and the start of the switch chain against all matchings. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serve } from '../src/core/flow.mjs';
import { firstMatching } from '../src/core/switching.mjs';
import { chance } from './chance.mjs';

/** Whether every demand can be served, by trying. */
function canServe(demands, loads, cap, at = 0) {
  if (at === demands.length) return true;
  return choices(demands[at].from, demands[at].need).some((team) => {
    if (team.some((server) => loads[server] >= cap)) return false;
    team.forEach((server) => loads[server]++);
    const served = canServe(demands, loads, cap, at + 1);
    team.forEach((server) => loads[server]--);
    return served;
  });
}

/** All ways to choose so many, in order. */
function choices(from, number) {
  if (number === 0) return [[]];
  return from.flatMap((first, i) => choices(from.slice(i + 1), number - 1).map((rest) => [first, ...rest]));
}

test('a flow is found where there is one, and keeps the cap', () => {
  const { below } = chance('flows');
  let found = 0;
  for (let trial = 0; trial < 3000; trial++) {
    const [servers, cap] = [1 + below(6), 1 + below(2)];
    const demands = Array.from({ length: 1 + below(5) }, () => ({
      need: below(3),
      from: [...Array(servers).keys()].filter(() => below(2)),
    }));
    const served = serve(demands, servers, cap);
    assert.equal(served !== null, canServe(demands, Array(servers).fill(0), cap), JSON.stringify({ demands, cap }));
    if (!served) continue;
    found++;
    const loads = Array(servers).fill(0);
    served.forEach((team, i) => {
      assert.equal(new Set(team).size, demands[i].need);
      team.forEach((server) => {
        assert.ok(demands[i].from.includes(server));
        loads[server]++;
      });
    });
    assert.ok(loads.every((load) => load <= cap));
  }
  assert.ok(found > 500 && found < 2500);
});

test('a path through thousands is found without recursion', () => {
  const length = 20_000;
  const demands = Array.from({ length }, (_, i) => ({ need: 1, from: i === length - 1 ? [0] : [i, i + 1] }));
  assert.ok(serve(demands, length, 1));
  assert.equal(serve(demands, length - 1, 1), null);
});

test('the start of the switch chain is the first of all matchings that keep the cap', () => {
  const { below } = chance('starts');
  let compared = 0;
  for (let trial = 0; trial < 400; trial++) {
    const [size, cap] = [2, 1 + below(2)];
    const inspectors = Array.from({ length: 3 + below(4) }, (_, i) => ({ no: `I-${i}`, department: '', skills: [] }));
    const objects = Array.from({ length: 1 + below(4) }, (_, i) => `H-${i}`);
    const eligible = objects.map(() => [...inspectors.keys()].filter(() => below(4)));
    const teams = serve(eligible.map((from) => ({ need: size, from })), inspectors.length, cap);
    if (!teams) continue;
    const compositions = eligible.map((places) => [{ kind: { places }, number: size }]);
    const first = firstMatching({ objects, inspectors }, { compositions, teams }, cap);
    assert.deepEqual(first, firstOfAll(eligible, size, Array(inspectors.length).fill(0), cap));
    compared++;
  }
  assert.ok(compared > 100);
});

/** The first matching in the order of specs/assignment.md §6.3, by trying all in that order. */
function firstOfAll(eligible, size, loads, cap, at = 0) {
  if (at === eligible.length) return [];
  for (const team of choices(eligible[at], size)) {
    if (team.some((server) => loads[server] >= cap)) continue;
    team.forEach((server) => loads[server]++);
    const rest = firstOfAll(eligible, size, loads, cap, at + 1);
    team.forEach((server) => loads[server]--);
    if (rest) return [team, ...rest];
  }
  return null;
}
