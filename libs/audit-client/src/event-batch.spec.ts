import fc from 'fast-check';
import { EVENT_SIZE_LIMIT } from '@countersign/audit-event';
import { packEvents, type EventBatch, type NumberedEvent } from './event-batch.js';

const idsOf = (batch: EventBatch): readonly number[] =>
  (JSON.parse(batch.payload.toString()) as { id: number }[]).map(({ id }) => id);
const numbered = (sequence: bigint, text = ''): NumberedEvent & { readonly json: string } => ({
  sequence,
  json: JSON.stringify({ id: Number(sequence), text }),
});

describe('events on their way', () => {
  it('keep their order, each in one batch, within the limits, and a batch has no gap', () => {
    const steps = fc.array(fc.record({ step: fc.constantFrom(1n, 1n, 1n, 1n, 2n, 9n), text: fc.string() }));
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 200 }), (made, events, bytes) => {
        let sequence = 0n;
        const all = made.map(({ step, text }) => numbered((sequence += step), text));
        const batches = packEvents(all, { events, bytes });
        const asBytes = all.map(({ json, ...event }) => ({ ...event, json: Buffer.from(json) }));
        expect(packEvents(asBytes, { events, bytes })).toEqual(batches);
        expect(batches.flatMap(idsOf)).toEqual(all.map((event) => Number(event.sequence)));
        for (const batch of batches) {
          const ids = idsOf(batch);
          expect(ids).toEqual(ids.map((_, index) => Number(batch.first) + index));
          expect(ids.at(-1)).toBe(Number(batch.last));
          expect(ids.length).toBeLessThanOrEqual(events);
          if (ids.length > 1) expect(batch.payload.length).toBeLessThanOrEqual(bytes);
        }
      }),
    );
  });

  it('share a message as far as the limits allow', () => {
    const all = Array.from({ length: 600 }, (_, index) => numbered(BigInt(index + 1)));
    expect(packEvents(all).map(({ first, last }) => [first, last])).toEqual([
      [1n, 256n],
      [257n, 512n],
      [513n, 600n],
    ]);
  });

  it('are as small as JavaScript writes them, however PostgreSQL writes their numbers', () => {
    const json = `{"id": 1, "numbers": [${Array.from({ length: 2_000 }, () => `1${'0'.repeat(300)}`).join(', ')}]}`;
    const [batch] = packEvents([{ sequence: 1n, json }]);
    expect(batch?.payload.length).toBeLessThan(EVENT_SIZE_LIMIT);
    expect(JSON.parse(batch?.payload.toString() ?? '')).toEqual([JSON.parse(json)]);
  });
});
