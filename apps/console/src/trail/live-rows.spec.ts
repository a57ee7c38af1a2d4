import { type FoundEvent } from '../api/events.js';
import { arrive, LIVE_LIMIT, rowsOf, type Arrived } from './live-rows.js';

const event: FoundEvent['event'] = {
  ...{ id: 'e', source: 's', type: 't', time: '2026-11-26T10:00:00Z', subject: 'x/1', sequence: '1' },
  data: { principal: null, txn: null, action: 'a', resource: 'x/1', outcome: 'allowed' },
};
/** Events of the log, oldest first. */
const eventsFrom = (first: number, count: number): readonly FoundEvent[] =>
  Array.from({ length: count }, (_, at) => ({ log_index: String(first + at), received_at: event.time, event }));
const nothing: Arrived = { events: [], total: 0 };
const indices = (rows: readonly FoundEvent[]) => rows.map(({ log_index: index }) => Number(index));

describe('the list with live events', () => {
  const found = eventsFrom(0, 3).toReversed();

  it('has each event once, newest first, whether it came live, by a page or both', () => {
    const { rows, isCut } = rowsOf(arrive(nothing, eventsFrom(2, 3)), 0, found);
    expect([indices(rows), isCut]).toEqual([[4, 3, 2, 1, 0], false]);
  });

  it('holds back the newest while it is paused', () => {
    expect(indices(rowsOf(arrive(nothing, eventsFrom(3, 4)), 2, found).rows)).toEqual([4, 3, 2, 1, 0]);
  });

  it('shows no page behind live events of which some are kept no longer, until the pages reach them', () => {
    const arrived = arrive(arrive(nothing, eventsFrom(3, LIVE_LIMIT)), eventsFrom(LIVE_LIMIT + 3, 10));
    const cut = rowsOf(arrived, 0, found);
    expect([cut.isCut, cut.rows.length, indices(cut.rows).at(-1)]).toEqual([true, LIVE_LIMIT, 13]);
    const reached = rowsOf(arrived, 0, eventsFrom(0, 20).toReversed());
    expect([reached.isCut, reached.rows.length]).toEqual([false, LIVE_LIMIT + 13]);
  });
});
