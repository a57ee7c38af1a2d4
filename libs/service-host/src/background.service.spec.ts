import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { Background } from './background.service.js';
import { HealthRegistry } from './health/health.js';

describe('background work', () => {
  const lines: string[] = [];
  let health: HealthRegistry;
  let background: Background;

  beforeEach(() => {
    lines.length = 0;
    health = new HealthRegistry();
    background = new Background(
      pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      health,
      () => new Date(0),
    );
  });
  afterEach(() => background.beforeApplicationShutdown());

  async function until(holds: () => boolean): Promise<void> {
    for (const deadline = performance.now() + 25_000; performance.now() < deadline && !holds();) await delay(5);
    expect(holds()).toBe(true);
  }

  it('starts with the service, continues immediately while there is more, and stops before the service closes', async () => {
    let rounds = 0;
    background.repeat({
      name: 'sweep',
      everyMs: 3_600_000,
      run: () => Promise.resolve((rounds += 1) < 5 ? 'again' : undefined),
    });
    await delay(20);
    expect(rounds).toBe(0);
    background.onApplicationBootstrap();
    await until(() => rounds === 5);
    await background.beforeApplicationShutdown();
    expect(rounds).toBe(5);
  });

  it('asks after each round how long it waits, if that changes', async () => {
    const waits = [1, 1];
    let rounds = 0;
    background.repeat({
      name: 'sweep',
      everyMs: () => waits.shift() ?? 3_600_000,
      run: () => {
        rounds += 1;
        return Promise.resolve(undefined);
      },
    });
    background.onApplicationBootstrap();
    await until(() => rounds === 3);
    await delay(20);
    expect(rounds).toBe(3);
  });

  it('can be woken, also while it runs', async () => {
    let rounds = 0;
    let finish: () => void = () => undefined;
    const handle = background.repeat({
      name: 'sweep',
      everyMs: 3_600_000,
      run: async () => {
        rounds += 1;
        if (rounds === 2) await new Promise<void>((resolve) => (finish = resolve));
        return undefined;
      },
    });
    background.onApplicationBootstrap();
    await until(() => rounds === 1);
    await delay(5);
    handle.wake();
    await until(() => rounds === 2);
    handle.wake();
    finish();
    await until(() => rounds === 3);
  });

  it('logs a failure once, notes it in health, and tries again', async () => {
    let rounds = 0;
    background.repeat({
      name: 'sweep',
      everyMs: 4,
      run: () => ((rounds += 1) < 6 ? Promise.reject(new Error('no database')) : Promise.resolve(undefined)),
    });
    background.onApplicationBootstrap();
    await until(() => lines.some((line) => line.includes('no database')));
    await until(() => lines.some((line) => line.includes('recovered')));
    expect(lines.filter((line) => line.includes('no database'))).toHaveLength(1);
    const report = await health.report();
    expect(JSON.stringify(report)).toContain('"sweep":{"last_run_at":"1970');
  });

  it('aborts the signal of its round when the service stops', async () => {
    let ended = false;
    background.repeat({
      name: 'long',
      everyMs: 1,
      run: async (signal) => {
        await delay(60_000, undefined, { signal }).catch(() => undefined);
        ended = true;
        return undefined;
      },
    });
    background.onApplicationBootstrap();
    await background.beforeApplicationShutdown();
    expect(ended).toBe(true);
  });
});
