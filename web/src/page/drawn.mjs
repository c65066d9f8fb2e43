/** The draw as it was made again: a table by number, struck through where it is not shown to be the result. */

import { fill, make } from './dom.mjs';
import { finalTeams, isSame, matching, resultAgrees } from './reading.mjs';

const AT_FIRST = 50; // rows shown at once; the rest on request, so that ten thousand do not freeze a telephone
const SEARCH_FROM = 12;

/** Fill a section with the table of a bundle's report; a slip and a sealed draw have none. */
export function showDrawn(section, report, words) {
  section.classList.add('drawn');
  if (!report.drawn.length) return fill(section);
  const finals = finalTeams(report);
  const changed = report.drawn.some(([no, team]) => String(finals.get(no)) !== String(team));
  const rank = new Map(report.drawn.map(([no], place) => [no, place + 1]));
  const body = make('tbody');
  const more = make('button', { type: 'button', on: { click: () => render(Infinity) } });
  const count = make('p', { class: 'note', role: 'status' });
  const search = make('input', {
    id: 'drawn-search',
    autocomplete: 'off',
    spellcheck: 'false',
    on: { input: () => render() },
  });

  const render = (limit = AT_FIRST) => {
    const found = matching(report.drawn, search.value);
    fill(
      body,
      found
        .slice(0, limit)
        .map(([no, team]) =>
          make(
            'tr',
            {},
            make('td', { class: 'count' }, String(rank.get(no))),
            make('th', { scope: 'row' }, no),
            make('td', {}, team.join(' ')),
            changed && make('td', {}, (finals.get(no) ?? []).join(' ')),
          ),
        ),
    );
    more.hidden = found.length <= limit;
    fill(more, words.page('show-all', { count: found.length }));
    fill(count, search.value.trim() ? words.page('found', { count: found.length }) : null);
  };

  const unproven = report.verdict === 'fails';
  const agrees = resultAgrees(report);
  section.dataset.proven = String(!unproven);
  fill(
    section,
    make('h2', {}, words.page('drawn-title', { count: report.drawn.length })),
    unproven && agrees && make('p', { class: 'unproven' }, words.page('unproven')),
    make('p', { class: 'caption' }, words.say('verdict', isSame(report) ? 'recomputed-same' : 'recomputed')),
    report.drawn.length > SEARCH_FROM &&
      make('p', { class: 'search' }, make('label', { for: 'drawn-search' }, words.page('drawn-search')), ' ', search),
    count,
    make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region' },
      make(
        'table',
        { class: unproven && agrees ? 'struck' : '' },
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            ['order', 'object', 'team'].map((code) => make('th', { scope: 'col' }, words.say('sheet', code))),
            changed && make('th', { scope: 'col' }, words.page('final-team')),
          ),
        ),
        body,
      ),
    ),
    more,
  );
  render();
}
