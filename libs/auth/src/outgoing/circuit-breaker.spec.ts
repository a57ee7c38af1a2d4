import { CircuitBreaker } from './circuit-breaker.js';

describe('the circuit breaker', () => {
  let time = 0;
  const breaker = () => {
    time = 1_800_000_000_000;
    return new CircuitBreaker(() => time, { minimumCalls: 4, firstPauseMs: 500, lastPauseMs: 1_500 });
  };
  const calls = (one: CircuitBreaker, ...failed: readonly boolean[]): void => {
    for (const each of failed) one.admit()?.(each);
  };

  it('opens when half of the calls fail, if there are enough, and then lets nothing pass', () => {
    const one = breaker();
    calls(one, true, true, true);
    expect(one.state).toBe('closed');
    calls(one, true);
    expect([one.state, one.admit(), one.closedForMs]).toEqual(['open', undefined, 500]);
    const other = breaker();
    calls(other, false, false, true, false, true, false);
    expect(other.state).toBe('closed');
    calls(other, true, true);
    expect(other.state).toBe('open');
  });

  it('considers ten seconds and no more', () => {
    const one = breaker();
    calls(one, true, true, true);
    time += 10_001;
    calls(one, true);
    expect(one.state).toBe('closed');
    time += 5_001;
    calls(one, true, true, true);
    expect(one.state).toBe('open');
  });

  it('makes one trial call after the pause, waits longer after each failed one, and closes after a successful one', () => {
    const one = breaker();
    calls(one, true, true, true, true);
    for (const pause of [500, 1_000, 1_500, 1_500]) {
      expect(one.closedForMs).toBe(pause);
      time += pause;
      expect(one.state).toBe('half-open');
      const done = one.admit();
      expect(one.admit()).toBeUndefined();
      done?.(true);
      expect(one.state).toBe('open');
    }
    time += 1_500;
    calls(one, false);
    expect(one.state).toBe('closed');
    calls(one, true, true, true);
    expect(one.state).toBe('closed');
    calls(one, true);
    expect(one.closedForMs).toBe(500);
  });

  it('ignores calls that were in flight when it opened', () => {
    const one = breaker();
    const slow = one.admit();
    calls(one, true, true, true, true);
    slow?.(false);
    expect([one.state, one.closedForMs]).toEqual(['open', 500]);
  });
});
