import { EventEmitter } from 'node:events';
import { Interruption } from './interruption.js';

describe('a request to end this process', () => {
  const interruptible = (canStop: boolean) => {
    const receiver = new EventEmitter();
    const ended: string[] = [];
    const interruption = new Interruption(
      receiver,
      () => canStop,
      () => ended.push('at once'),
    );
    return { receiver, ended, interruption };
  };

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('by %s waits for no payment that is in progress', async (signal) => {
    const { receiver, ended, interruption } = interruptible(true);
    const payment = interruption.orUndefined(new Promise<string>(() => undefined));
    receiver.emit(signal);
    expect([await payment, ended]).toEqual([undefined, []]);
    receiver.emit(signal);
    expect(ended).toEqual(['at once']);
  });

  it('that does not come changes no outcome', async () => {
    const { interruption } = interruptible(true);
    expect(await interruption.orUndefined(Promise.resolve('settled'))).toBe('settled');
    await expect(interruption.orUndefined(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  });

  it('ends immediately what is only starting', () => {
    const { receiver, ended } = interruptible(false);
    receiver.emit('SIGINT');
    expect(ended).toEqual(['at once']);
  });
});
