import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { z } from 'zod';
import fc from 'fast-check';
import { followEvents, messagesIn } from './event-stream.js';
import { type ApiProblem } from './problem.js';

const stream = ': heartbeat\n\nid: 7\nevent: event\ndata: {"a":1}\n\nevent: end\ndata: {"code":"TOKEN_ENDED"}\n\n';

describe('a stream of server-sent events', () => {
  it('is read message by message, without heartbeats', () => {
    expect(messagesIn(stream)).toEqual({
      messages: [
        { event: 'event', data: '{"a":1}' },
        { event: 'end', data: '{"code":"TOKEN_ENDED"}' },
      ],
      rest: '',
    });
  });

  it('is the same however it was split', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        let rest = '';
        const all = places.flatMap((at, index) => {
          const read = messagesIn(rest + stream.slice(at, places[index + 1] ?? stream.length));
          rest = read.rest;
          return read.messages;
        });
        expect(all).toEqual(messagesIn(stream).messages);
      }),
    );
  });
});

describe('following events', () => {
  const event = (log_index: string): string => {
    const data = { principal: null, txn: null, action: 'a:b', resource: 'thing/1', outcome: 'allowed' };
    const source = {
      id: log_index,
      source: 'shop',
      type: 't',
      subject: 'thing/1',
      sequence: '1',
      time: '2026-11-27T00:00:00Z',
    };
    return JSON.stringify({ log_index, received_at: source.time, event: { ...source, data } });
  };
  const messages = (...data: string[]): string => data.map((one) => `event: event\ndata: ${one}\n\n`).join('');

  /** Follows a server that answers each request in its own way. @returns the events, the states and the cursors that were asked for */
  async function follow(answer: (response: ServerResponse, nth: number) => void) {
    const queries: unknown[] = [];
    let isLeft: Promise<unknown> | undefined;
    const server = createServer((request, response) => {
      queries.push(new URL(request.url ?? '', 'http://x').searchParams.get('cursor'));
      isLeft = once(response, 'close');
      answer(response, queries.length);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const { fetch } = globalThis;
    globalThis.fetch = (path, options) => fetch(`http://127.0.0.1:${String(port)}${String(path)}`, options);
    const seen: string[] = [];
    const states: (string | undefined)[] = [];
    try {
      await followEvents(
        {},
        {
          onEvents: (events) => seen.push(...events.map(({ log_index }) => log_index)),
          onState: (problem: ApiProblem | undefined) => states.push(problem?.code),
        },
        new AbortController().signal,
      );
      await isLeft;
    } finally {
      globalThis.fetch = fetch;
      server.close();
    }
    return { seen, queries, states };
  }

  it('delivers each event, and ends with an error at one that it cannot read, instead of skipping it', async () => {
    const { seen, queries, states } = await follow((response, nth) => {
      // The first answer is cut off between two events.
      if (nth === 1) response.end(messages(event('1'), event('2')));
      else response.write(messages(event('3'), '{"log_index":4}', event('5')));
    });
    expect([seen, queries]).toEqual([
      ['1', '2'],
      [null, '2'],
    ]);
    expect(states).toEqual([undefined, undefined, 'ANSWER_UNREADABLE']);
  });

  it("ends with the server's error, instead of retrying forever", async () => {
    const { queries, states } = await follow((response) => {
      response.end('event: error\ndata: {"code":"CURSOR_BEYOND_END","detail":"The log has no index 9 yet."}\n\n');
    });
    expect([queries, states]).toEqual([[null], [undefined, 'CURSOR_BEYOND_END']]);
  });
});
