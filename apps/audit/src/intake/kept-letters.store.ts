import { createHash } from 'node:crypto';
import { type AuditOutbox } from '@countersign/audit-client';
import { storableText, type NewAuditEvent } from '@countersign/audit-event';
import { byItself, unattended } from '@countersign/service-host';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { z } from 'zod';
import { events } from '../events.js';
import { type EventMasking } from '../masking/event-masking.js';
import { type Rejected } from './message-check.js';

/** The digest of the message identifies it on redelivery; the trail has the digest of the visible part, which reveals no masked values. */
const insertLetters = `
  insert into dead_letter (source, sequence, nats_subject, reason, payload, digest, original, subject, event_id, masked)
  select *, true from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::uuid[])
  on conflict do nothing
  returning position::text, source, sequence::text, nats_subject, reason, encode(sha256(convert_to(nats_subject || E'\\n' || payload, 'UTF8')), 'hex') as digest`;

const keptRows = z.array(
  z.object({
    position: z.string(),
    source: z.string().nullable(),
    sequence: z.string().nullable(),
    nats_subject: z.string(),
    reason: z.string(),
    digest: z.string(),
  }),
);

/** That a message became a dead letter is itself an event, so the log accounts for its number, and, through the digest, for its content. */
function keptEvent({
  position,
  source,
  sequence,
  nats_subject,
  reason,
  digest,
}: z.infer<typeof keptRows>[number]): NewAuditEvent {
  const about = { nats_subject, sha256: digest, ...(source === null || sequence === null ? {} : { source, sequence }) };
  return events.event('dead-letter.kept', byItself(unattended()), {
    id: position,
    outcome: 'failed',
    reason: storableText(reason.slice(0, 200)),
    changes: about,
  });
}

/** Stores messages that cannot enter the trail, each with an event; an existing one is left unchanged. */
export async function keepLetters(
  client: pg.PoolClient,
  letters: readonly Rejected[],
  masking: EventMasking,
  outbox: AuditOutbox,
): Promise<void> {
  const shown = letters.map(({ payload }) => masking.ofText(payload));
  const { rows } = await client.query(insertLetters, [
    letters.map(({ source }) => source),
    letters.map(({ sequence }) => sequence),
    letters.map(({ natsSubject }) => natsSubject),
    letters.map(({ reason }) => reason),
    shown.map((one) => one.shown),
    letters.map(({ natsSubject, payload }) => createHash('sha256').update(`${natsSubject}\n${payload}`).digest()),
    letters.map(({ payload }, at) => (shown[at]?.masked === true ? payload : null)),
    shown.map(({ subject }) => subject),
    shown.map(({ eventId }) => eventId),
  ]);
  for (const kept of keptRows.parse(rows)) {
    // If one of audit's own events cannot enter the trail, it must not cause another one of its kind.
    if (kept.nats_subject.startsWith('audit.audit.')) continue;
    await outbox.record(drizzle({ client }), keptEvent(kept));
  }
}
