import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePortBase, shortTimes, startStack, type Stack } from '@countersign/stack';
import { faults } from './faults/all-faults.js';
import { seededRandom } from './faults/random.js';
import { Round } from './faults/round.js';
import { soakEnvironment } from './soak/run-soak.js';
import { Soak } from './soak/soak.js';

const STREAM_MIB = 1;

describe('a stack of real processes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  let stack: Stack;

  beforeAll(async () => {
    const soak = soakEnvironment(STREAM_MIB);
    stack = await startStack({
      root: resolve(import.meta.dirname, '../../..'),
      directory,
      portBase: await freePortBase(),
      without: [],
      onStep: () => undefined,
      onLine: () => undefined,
      environment: { ...soak, ...shortTimes, payments: { ...soak.payments, ...shortTimes.payments } },
    });
  }, 180_000);
  afterAll(async () => {
    await stack.stop();
    for (const folder of [directory, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('doubles and loses no payment when payments, accounts and issuer are killed in the middle of them', async () => {
    const seed = Date.now() % 2 ** 31;
    const killed = ['payments', 'accounts', 'issuer'].flatMap((name) =>
      faults.filter((fault) => fault.name === `kill-${name}`),
    );
    const round = new Round(stack, { clients: 6, random: seededRandom(seed) });
    await round.strike(killed);
    const report = await round.check(1_500);
    console.info(`killed ${String(killed.length)} times, seed ${String(seed)}: ${JSON.stringify(report)}`);
    expect({ seed, kills: killed.length, wrong: report.wrong }).toEqual({ seed, kills: 3, wrong: [] });
    expect(report.payments).toBeGreaterThan(10);
    expect(report.retries).toBeGreaterThan(0);
  }, 300_000);

  it('takes many times what the stream may hold, each event once, and leaves nothing in the stream', async () => {
    const report = await new Soak(stack, { events: 30_000, streamMib: STREAM_MIB }, () => undefined).run();
    expect(report.wrong).toEqual([]);
    expect(report.curves['stream']?.max).toBeLessThanOrEqual(STREAM_MIB);
    expect(report.events * 1_024).toBeGreaterThan(25 * 1024 ** 2);
  }, 300_000);
});
