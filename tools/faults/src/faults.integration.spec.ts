import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { testFolder } from '@countersign/backing-services';
import { freePortBase, shortTimes, startStack, type Stack } from '@countersign/stack';
import { faults } from './faults/all-faults.js';
import { seededRandom } from './faults/random.js';
import { Round } from './faults/round.js';
import { soakEnvironment } from './soak/run-soak.js';
import { Soak } from './soak/soak.js';

const EVENTS = 60_000;
const STREAM_MIB = 2;

describe('a stack of real processes', () => {
  const directory = testFolder();
  let stack: Stack;

  beforeAll(async () => {
    const soak = soakEnvironment(STREAM_MIB);
    stack = await startStack({
      root: resolve(import.meta.dirname, '../../..'),
      directory,
      portBase: await freePortBase(),
      without: [],
      fast: true,
      onStep: () => undefined,
      onLine: () => undefined,
      environment: { ...soak, ...shortTimes, payments: { ...soak.payments, ...shortTimes.payments } },
    });
  }, 180_000);
  afterAll(async () => {
    await stack.stop();
    for (const folder of [directory, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it("doubles and loses no payment, and of an API key's uses at most those of the last second, when payments, accounts and issuer are killed in the middle of them", async () => {
    const seed = Date.now() % 2 ** 31;
    const killed = ['payments-counting', 'accounts', 'issuer'].flatMap((name) =>
      faults.filter((fault) => fault.name === `kill-${name}`),
    );
    const round = new Round(stack, { clients: 6, random: seededRandom(seed) });
    await round.strike(killed);
    const report = await round.check(1_500);
    console.info(`killed ${String(killed.length)} times, seed ${String(seed)}: ${JSON.stringify(report)}`);
    expect({ seed, kills: killed.length, wrong: report.wrong }).toEqual({ seed, kills: 3, wrong: [] });
    expect(report.payments).toBeGreaterThan(10);
    expect(report.counts['certainly counted']).toBeGreaterThan(20);
    expect(report.retries).toBeGreaterThan(0);
  }, 300_000);

  it('takes many times what the stream may hold, each event once, and leaves nothing in the stream', async () => {
    const report = await new Soak(stack, { events: EVENTS, streamMib: STREAM_MIB, bare: true }, () => undefined).run();
    const { stream, outbox, heap_payments, heap_accounts, heap_audit } = report.curves;
    expect({ wrong: report.wrong, events: report.events }).toEqual({ wrong: [], events: EVENTS });
    expect(stream?.max).toBeLessThanOrEqual(STREAM_MIB);
    // Two sources stop at four thousand, each by a statement of at most a thousand more.
    expect(outbox?.max).toBeLessThanOrEqual(10_500);
    // What a leak would fill is the old generation: the events of just the last third have 20 MiB in audit, and half of that in a source.
    const grown = [heap_payments, heap_accounts, heap_audit].map(
      (heap) => (heap?.last ?? Infinity) - (heap?.middle ?? 0),
    );
    expect(Math.max(...grown.slice(0, 2))).toBeLessThan(5);
    expect(grown[2]).toBeLessThan(15);
  }, 600_000);
});
