import { FeedHealth } from './feed-health.js';

describe('what a feed logs', () => {
  let now = 0;
  let hasLoaded = false;
  const said: string[] = [];
  const logger = {
    info: (_: object, message: string) => said.push(message),
    warn: (fields: object, message: string) => said.push(`${message}: ${JSON.stringify(fields)}`),
  };
  const lost = (reason: string): string => `the revocation feed is lost; trying again: ${JSON.stringify({ reason })}`;
  const start = (quietStartMs?: number): FeedHealth =>
    new FeedHealth(
      { quietStartMs },
      logger,
      () => now,
      () => hasLoaded,
    );

  beforeEach(() => {
    now = 1_000_000;
    hasLoaded = false;
    said.length = 0;
  });

  it('is each reason once, starting with the first', () => {
    const health = start();
    for (const reason of ['refused', 'refused', 'not found', 'refused']) health.lost(new Error(reason));
    // As Node's sockets say it of a host with several addresses.
    const code = 'EHOSTUNREACH';
    health.lost(Object.assign(new AggregateError([new Error(`connect ${code} ::1:4222`)], ''), { code }));
    const several = lost('EHOSTUNREACH: connect EHOSTUNREACH ::1:4222');
    expect(said).toEqual([lost('refused'), lost('not found'), lost('refused'), several]);
  });

  it('is nothing about a first list that arrives within the quiet start', () => {
    const health = start(5_000);
    health.lost(new Error('refused'));
    now += 4_999;
    health.lost(new Error('refused'));
    expect([said, health.lastError]).toEqual([[], 'refused']);
    health.current(3);
    expect(said).toEqual(['revocations are current']);
  });

  it('is the reason when the quiet start has ended, and immediately if there was a list', () => {
    const health = start(5_000);
    health.lost(new Error('refused'));
    now += 5_000;
    health.lost(new Error('refused'));
    health.lost(new Error('refused'));
    expect(said).toEqual([lost('refused')]);

    said.length = 0;
    const other = start(5_000);
    hasLoaded = true;
    other.current(0);
    other.lost(new Error('refused'));
    other.current(0);
    other.lost(new Error('refused'));
    expect(said).toEqual(['revocations are current', lost('refused'), 'revocations are current', lost('refused')]);
  });
});
