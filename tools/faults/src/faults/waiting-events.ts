import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { completeEvent } from '@countersign/audit-event';
import { startPostgres, withDatabase } from '@countersign/backing-services';
import { serviceNames, type ServiceName } from '@countersign/stack';
import type pg from 'pg';
import { z } from 'zod';

/** An event in the outbox of a service that is stopped. */
export interface WaitingEvent {
  readonly id: string;
  /** The number that the service gave it, if any. */
  readonly sequence: string | undefined;
}

/** The stages of an event before it reaches the trail: without a number, numbered, sent without a receipt. */
const stages = ['unnumbered', 'numbered', 'sent'] as const;

const identitiesSchema = z.object({ superuserPassword: z.string() });
const lastRows = z.tuple([z.object({ last: z.string() })]);

async function leaveAt(client: pg.Client, source: ServiceName): Promise<readonly WaitingEvent[]> {
  const left: WaitingEvent[] = [];
  for (const stage of stages) {
    const event = completeEvent(
      {
        type: `countersign.${source}.event.left.v1`,
        subject: stage,
        data: { principal: null, txn: null, action: 'events:leave', resource: `event/${stage}`, outcome: 'allowed' },
      },
      randomUUID(),
      source,
      new Date(),
    );
    let sequence: string | undefined;
    if (stage !== 'unnumbered') {
      const { rows } = await client.query(
        'update audit_sequence set last = last + 1 where source = $1 returning last::text as last',
        [source],
      );
      sequence = lastRows.parse(rows)[0].last;
    }
    await client.query(
      'insert into audit_outbox (id, event, sequence, published_at) values ($1, $2, $3, case when $4 then now() end)',
      [event.id, JSON.stringify(event), sequence, stage === 'sent'],
    );
    left.push({ id: event.id, sequence });
  }
  return left;
}

/**
 * Leaves events of every stage in the outbox of each service, as a version with one row per event does when it stops while audit is unavailable.
 * @param directory the state of a stack that is stopped
 */
export async function leaveEvents(directory: string): Promise<readonly WaitingEvent[]> {
  const text = readFileSync(join(directory, 'identities.json'), 'utf8');
  const { superuserPassword: password } = identitiesSchema.parse(JSON.parse(text));
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), password });
  try {
    const left: WaitingEvent[] = [];
    for (const database of serviceNames) {
      const superuser = { host: '127.0.0.1', port: postgres.port, user: 'postgres', password, database };
      left.push(...(await withDatabase(superuser, (client) => leaveAt(client, database))));
    }
    return left;
  } finally {
    await postgres.stop();
  }
}
