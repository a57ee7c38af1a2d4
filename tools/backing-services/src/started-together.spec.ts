import { setTimeout as delay } from 'node:timers/promises';
import { startedTogether } from './started-together.js';

describe('startedTogether', () => {
  const stopped: string[] = [];
  const one = (name: string) => ({
    name,
    stop: async () => {
      await Promise.resolve();
      stopped.push(name);
    },
  });
  beforeEach(() => {
    stopped.length = 0;
  });

  it('gives what has started, in order', async () => {
    const slow = delay(5).then(() => one('slow'));
    const [first, second] = await startedTogether([slow, Promise.resolve(one('quick'))]);
    expect([first.name, second.name, stopped]).toEqual(['slow', 'quick', []]);
  });

  it('stops what started after another had failed, before the failure is thrown', async () => {
    const slow = delay(5).then(() => one('slow'));
    await expect(startedTogether([slow, Promise.reject(new Error('no port'))])).rejects.toThrow('no port');
    expect(stopped).toEqual(['slow']);
  });
});
