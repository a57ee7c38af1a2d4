import { generateKeyPairSync } from 'node:crypto';
import { AuditOutbox } from '@countersign/audit-client';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { byItself, unattended } from '@countersign/service-host';
import type pg from 'pg';
import { LogReach } from '../log/log-reach.js';
import { logSignersOf } from '../log/log-signer.js';
import { LogStore } from '../log/log.store.js';
import { eventOf } from '../testing/event-of.js';
import { openAuditDatabase } from '../testing/log-of-rows.js';
import { type RecoveredEvent } from './recovered-log.js';
import { RecoveryStore } from './recovery.store.js';

const at = (index: number, source: string, said: Parameters<typeof eventOf>[0] = {}): RecoveredEvent => ({
  index: BigInt(index),
  event: eventOf({ source, type: `countersign.${source}.thing.read.v1`, sequence: String(index + 1), ...said }),
  salts: {},
});
const signers = logSignersOf({ LOG_ORIGIN: 'audit.test/log', LOG_KEY: generateKeyPairSync('ed25519').privateKey });
const [proven, invented] = [() => true, () => false];

describe('what comes back to a restored log', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let store: RecoveryStore;

  const recover = (end: number, acceptLoss = false) =>
    store.recover({ end: BigInt(end), checkpoint: undefined, acceptLoss, context: byItself(unattended()) });
  async function log(): Promise<unknown[]> {
    const { rows } = await pool.query<{ source: string; type: string }>(
      'select source, type from event order by log_index',
    );
    return rows.map(({ source, type }) => (type.includes('entry.lost') ? 'lost' : source));
  }

  beforeAll(async () => {
    backing = await startBackingServices();
  }, 180_000);
  beforeEach(async () => {
    pool = await openAuditDatabase(backing);
    store = new RecoveryStore(pool, new LogStore(pool, signers), new AuditOutbox({ pool, source: 'audit' }));
  });
  afterEach(() => pool.end());
  afterAll(() => backing.stop(), 60_000);

  it('is not blocked by places that a service invents', async () => {
    const first = at(0, 'payments');
    const lies = [at(0, 'liar'), at(1, 'liar', { id: first.event.id }), at(2, 'liar')];
    await store.stage(lies, invented);
    await store.stage([first, at(1, 'payments')], proven);
    expect(await recover(2)).toMatchObject({ kind: 'recovered', recovered: 2, lost: [] });
    expect(await log()).toEqual(['payments', 'payments']);
  });

  it('does not contain what the log has under another index', async () => {
    const first = at(0, 'payments');
    await store.stage([first], proven);
    await recover(1);
    await store.stage([{ ...first, index: 1n }], invented);
    expect(await recover(2)).toMatchObject({ kind: 'missing', missing: [{ first: 1n, last: 1n }] });
  });

  it('is trusted from nobody if nothing shows who is right, and declared lost on command', async () => {
    await store.stage([at(0, 'payments'), at(1, 'payments')], invented);
    await store.stage([at(1, 'accounts'), at(1_200, 'accounts')], invented);
    expect(await recover(1_300)).toMatchObject({ kind: 'contested', contested: [{ first: 1n, last: 1n }] });
    expect(await recover(1_300, true)).toMatchObject({ kind: 'recovered', recovered: 2 });
    const places = await log();
    expect([places.length, places.filter((place) => place === 'lost').length]).toEqual([1_300, 1_298]);
    expect([places[0], places[1], places[1_200]]).toEqual(['payments', 'lost', 'accounts']);
  });

  it('is missed also by a replica that has appended and signed nothing itself', async () => {
    const idle = new LogStore(pool, signers, new LogReach());
    await store.stage([at(0, 'payments'), at(1, 'payments')], proven);
    await recover(2);
    await new LogStore(pool, signers, new LogReach()).integrate();
    expect(await idle.integrate()).toBeUndefined();
    // What is appended after the database has answered is no older database.
    const reach = new LogReach();
    const asking = new LogStore(pool, signers, reach).integrate();
    reach.saw(3n);
    expect(await asking).toBeUndefined();
    await pool.query('update log_sequence set next_index = next_index - 1');
    await expect(idle.integrate()).rejects.toMatchObject({ code: 'LOG_WENT_BACK' });
  });

  it('is one log where a place stays contested although one of its claims was refuted on the way to it', async () => {
    const far = 2_101;
    const first = at(0, 'payments');
    await store.stage([first], proven);
    await store.stage(
      Array.from({ length: far - 1 }, (_, place) => at(place + 1, 'payments')),
      proven,
    );
    await store.stage([at(far, 'liar', { id: first.event.id })], invented);
    await store.stage([at(far, 'accounts')], invented);
    expect((await store.state(BigInt(far + 3))).missing).toEqual([{ first: BigInt(far + 1), last: BigInt(far + 2) }]);
    expect(await recover(far + 1)).toMatchObject({
      kind: 'contested',
      contested: [{ first: BigInt(far), last: BigInt(far) }],
    });
    expect(await recover(far + 1, true)).toMatchObject({ kind: 'recovered', recovered: far });
    const places = await log();
    expect([places.length, places.at(-2), places.at(-1)]).toEqual([far + 1, 'payments', 'lost']);
  });

  it('is set aside if the database cannot store it', async () => {
    const impossible = at(0, 'payments', { time: '0000-01-01T00:00:00.000Z' });
    expect(await store.stage([impossible], proven)).toBe(false);
    expect(await store.stage([at(0, 'payments')], proven)).toBe(true);
    expect(await recover(1)).toMatchObject({ kind: 'recovered', recovered: 1 });
  });
});
