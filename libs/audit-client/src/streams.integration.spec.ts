import { setTimeout as delay } from 'node:timers/promises';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { auditStream, ensureAuditStreams } from './streams.js';

const durable = { durable_name: 'audit-log', ack_policy: AckPolicy.Explicit };

/** The connection may still be on its way back. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds().catch(() => false)); await delay(50))
    if (Date.now() > deadline) throw new Error('it did not come about within 20 seconds');
}

describe('the stream between the outboxes and audit', () => {
  let backing: BackingServices;
  let audit: NatsConnection;
  let manager: JetStreamManager;

  const state = async () => (await manager.streams.info(auditStream.name)).state;
  const budget = async () => {
    const { max_bytes, max_age } = (await manager.streams.info(auditStream.name)).config;
    return { max_bytes, max_age };
  };
  async function publish(...texts: readonly string[]): Promise<void> {
    for (const text of texts) await jetstream(audit).publish('audit.audit.batch', text);
  }
  /** Fetches the given number of messages, with or without an acknowledgement that the server has confirmed. */
  async function take(count: number, acknowledged: boolean): Promise<readonly string[]> {
    const consumer = await jetstream(audit).consumers.get(auditStream.name, durable.durable_name);
    const texts: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 })) {
      texts.push(message.string());
      if (acknowledged) expect(await message.ackAck()).toBe(true);
      else message.nak();
    }
    return texts;
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    audit = await connect({
      servers: backing.nats.url,
      user: 'audit',
      pass: backing.passwords.audit,
      inboxPrefix: '_INBOX_audit',
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    manager = await jetstreamManager(audit);
  }, 180_000);
  beforeEach(async () => {
    await manager.streams.delete(auditStream.name).catch(() => undefined);
  });
  afterAll(async () => {
    await audit.close();
    await backing.stop();
  }, 60_000);

  it('holds only what audit has not acknowledged, even through a restart of the server', async () => {
    await ensureAuditStreams(manager);
    await manager.consumers.add(auditStream.name, durable);
    await publish('a', 'b', 'c');
    expect(await take(2, true)).toEqual(['a', 'b']);
    expect((await state()).messages).toBe(1);
    await backing.nats.stop();
    await backing.nats.start();
    await eventually(async () => (await state()).messages === 1);
    expect(await take(3, true)).toEqual(['c']);
    expect((await state()).messages).toBe(0);
  }, 60_000);

  it('keeps what was fetched and not acknowledged, even for a consumer that was lost and recreated', async () => {
    await ensureAuditStreams(manager);
    await manager.consumers.add(auditStream.name, durable);
    await publish('a', 'b', 'c');
    await take(1, true);
    await take(2, false);
    await manager.consumers.delete(auditStream.name, durable.durable_name);
    expect((await state()).messages).toBe(2);
    await manager.consumers.add(auditStream.name, durable);
    expect(await take(2, true)).toEqual(['b', 'c']);
    expect((await state()).messages).toBe(0);
  }, 60_000);

  it('keeps the size and age that an operator gave it, and adopts those that are configured', async () => {
    await ensureAuditStreams(manager);
    expect(await budget()).toEqual({ max_bytes: auditStream.max_bytes, max_age: auditStream.max_age });
    await manager.streams.update(auditStream.name, { max_bytes: 5_000_000, max_age: 3_600_000_000_000 });
    await ensureAuditStreams(manager);
    expect(await budget()).toEqual({ max_bytes: 5_000_000, max_age: 3_600_000_000_000 });
    await ensureAuditStreams(manager, { maxBytes: 6_000_000, maxAgeSeconds: 7_200 });
    await ensureAuditStreams(manager);
    expect(await budget()).toEqual({ max_bytes: 6_000_000, max_age: 7_200_000_000_000 });
  }, 60_000);

  it('is recreated, in its old size, if an older version set it up to keep everything', async () => {
    await manager.streams.add({ ...auditStream, retention: RetentionPolicy.Limits, max_bytes: 7_000_000 });
    await publish('a');
    expect(await ensureAuditStreams(manager)).toEqual([auditStream.name]);
    const { config } = await manager.streams.info(auditStream.name);
    expect([config.retention, config.max_bytes, (await state()).messages]).toEqual(['workqueue', 7_000_000, 0]);
    expect(await ensureAuditStreams(manager)).toEqual([]);
  }, 60_000);
});
