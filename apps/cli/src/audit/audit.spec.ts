import fc from 'fast-check';
import { readEventStream, type ServerSentEvent } from './event-stream.js';
import { eventRow, eventTitles } from './found-event.js';

async function* chunked(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  await Promise.resolve();
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('the stream of a tail', () => {
  it('is parsed the same however it is split, without heartbeats and unfinished events', async () => {
    const text = ': heartbeat\n\nid: 7\nevent: event\ndata: {"a":"ä"}\n\nevent: end\ndata: {}\n\nid: 8\ndata: cut';
    const expected: readonly ServerSentEvent[] = [
      { id: '7', event: 'event', data: '{"a":"ä"}' },
      { id: undefined, event: 'end', data: '{}' },
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), async (sizes) => {
        const read: ServerSentEvent[] = [];
        for await (const message of readEventStream(chunked(text, sizes))) read.push(message);
        expect(read).toEqual(expected);
      }),
    );
  });
});

describe('an event as a row', () => {
  it('shows who did it through whom, and nothing that moves the cursor', () => {
    const data = {
      principal: { subject: 'ada\u001b[2J', client_id: 'payments', actors: ['payments', 'gateway'] },
      action: 'transfers:create',
      resource: 'transfer/1',
      outcome: 'denied',
      reason: 'NO',
    };
    const row = eventRow({ log_index: '7', event: { source: 'accounts', time: '2026-01-01T00:00:00.000Z', data } });
    expect(row).toHaveLength(eventTitles.length);
    expect(row.slice(5)).toEqual(['denied NO', 'ada·[2J', 'payments ← gateway']);
  });
});
