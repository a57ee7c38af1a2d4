import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { type AuditEvent } from '@countersign/audit-event';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { eventOf } from '../testing/event-of.js';
import { ensureLogRecord, keepOwnEvents, readOwnEvents } from './log-record.js';
import { recoveredEvents } from './recalled-message.js';

const searched = (sequence: number): AuditEvent =>
  eventOf({
    ...{
      source: 'audit',
      type: 'countersign.audit.events.searched.v1',
      subject: 'event/*',
      sequence: String(sequence),
    },
    data: { action: 'audit:read', resource: 'event/*', changes: { words: 'x'.repeat(2_000) } },
  });

describe('what audit keeps of its own events outside its database', () => {
  let backing: BackingServices;
  let audit: NatsConnection;
  beforeAll(async () => {
    backing = await startBackingServices();
    const { nats, passwords } = backing;
    audit = await connect({ servers: nats.url, user: 'audit', pass: passwords.audit, inboxPrefix: '_INBOX_audit' });
    await ensureLogRecord(audit, 1, 1);
  }, 120_000);
  afterAll(async () => {
    await audit.close();
    await backing.stop();
  }, 60_000);

  it('is restored with index and salts, however much of it was appended together', async () => {
    const events = Array.from({ length: 700 }, (_, at) => searched(at + 1));
    const salts = Object.fromEntries(events.map(({ sequence }) => [sequence, { 'request.peer': `salt-${sequence}` }]));
    await keepOwnEvents(audit, new Map(events.map((event) => [event.sequence, event])), {
      source: 'audit',
      places: [{ first: '1', last: '700', index: '9000', salts }],
    });
    const back = [];
    for await (const { firstIndex, events: kept, salts: known } of readOwnEvents(audit))
      back.push(...(recoveredEvents(kept, firstIndex.toString(), known, 'audit') ?? []));
    expect(back).toEqual(
      events.map((event, at) => ({
        index: BigInt(9_000 + at),
        event,
        salts: { 'request.peer': `salt-${event.sequence}` },
      })),
    );
  });
});
