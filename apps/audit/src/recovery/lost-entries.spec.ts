import { completeEvent, uuidv7 } from '@countersign/audit-event';
import { byItself, unattended } from '@countersign/service-host';
import { lostEntries } from './lost-entries.js';
import { highestNumber, type Claim } from './recovered-log.js';

const now = new Date('2026-11-26T12:00:00.000Z');
const returned = (index: bigint, source: string, sequence: bigint): Claim => ({
  index,
  id: uuidv7(),
  source,
  sequence,
  proven: true,
});

describe('places of a restored log of which nothing came back', () => {
  const declare = (events: readonly Claim[], known: bigint) =>
    Array.from(
      lostEntries(
        [
          { first: 5n, last: 6n },
          { first: 9n, last: 9n },
        ],
        highestNumber('audit', events, known),
        byItself(unattended()),
        (event) => completeEvent(event, uuidv7(), 'audit', now),
      ),
    ).map(({ index, event: { source, sequence, time, data } }) => [index, source, sequence, time, data.resource]);

  it('each get an entry by audit, dated when the loss is declared', () => {
    expect(declare([], 0n)).toEqual([
      [5n, 'audit', '1', now.toISOString(), 'log-entry/5'],
      [6n, 'audit', '2', now.toISOString(), 'log-entry/6'],
      [9n, 'audit', '3', now.toISOString(), 'log-entry/9'],
    ]);
  });

  it("are numbered after all of audit's own events, in the log or recovered", () => {
    const numbersOf = (...given: Parameters<typeof declare>) => declare(...given).map(([, , sequence]) => sequence);
    const events = [returned(7n, 'audit', 9n), returned(8n, 'audit', 10n), returned(4n, 'payments', 70n)];
    expect(numbersOf(events, 3n)).toEqual(['11', '12', '13']);
    expect(numbersOf(events, 20n)).toEqual(['21', '22', '23']);
  });
});
