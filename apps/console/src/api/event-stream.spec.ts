import fc from 'fast-check';
import { messagesIn } from './event-stream.js';

const stream = ': heartbeat\n\nid: 7\nevent: event\ndata: {"a":1}\n\nevent: end\ndata: {"code":"TOKEN_ENDED"}\n\n';

describe('a stream of server-sent events', () => {
  it('is read message by message, heartbeats left out', () => {
    expect(messagesIn(stream)).toEqual({
      messages: [
        { event: 'event', data: '{"a":1}' },
        { event: 'end', data: '{"code":"TOKEN_ENDED"}' },
      ],
      rest: '',
    });
  });

  it('is the same however it was cut into pieces', () => {
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
