import { type FoundEvent } from '../api/events.js';
import { stepsOf } from './waterfall.js';

function found(index: number, source: string, ms: number, request?: string): FoundEvent {
  return {
    log_index: String(index),
    received_at: '',
    event: {
      id: String(index),
      source,
      type: 't',
      time: new Date(1_000_000 + ms).toISOString(),
      subject: 's',
      sequence: '1',
      data: {
        principal: null,
        txn: null,
        action: 'a:b',
        resource: 'r/1',
        outcome: 'allowed',
        ...(request === undefined ? {} : { request: { method: 'POST', route: '/x', id: request, peer: '' } }),
      },
    },
  };
}

describe('the way of a request', () => {
  it('has a step for each request at each service, from its first event to its last, in the order of their begins', () => {
    const steps = stepsOf([
      found(3, 'accounts', 50, 'r2'),
      found(1, 'payments', 0, 'r1'),
      found(4, 'payments', 100, 'r1'),
      found(5, 'payments', 80),
    ]);
    expect(steps.map(({ source, title, start, length, afterMs }) => [source, title, start, length, afterMs])).toEqual([
      ['payments', 'POST /x', 0, 1, 0],
      ['accounts', 'POST /x', 0.5, 0, 50],
      ['payments', 'a:b', 0.8, 0, 80],
    ]);
    expect(steps[0]?.events.map(({ log_index: index }) => index)).toEqual(['1', '4']);
  });

  it('of one event is one step at the begin', () => {
    expect(stepsOf([found(1, 'issuer', 7)])).toMatchObject([{ start: 0, length: 0, afterMs: 0 }]);
  });
});
