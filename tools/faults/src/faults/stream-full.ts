import { setTimeout as delay } from 'node:timers/promises';
import { auditStream } from '@countersign/audit-client';
import { type ServiceName } from '@countersign/stack';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { z } from 'zod';
import { type Fault, type Scene } from './fault.js';
import { between } from './random.js';

const noteSchema = z.looseObject({
  notes: z.looseObject({ audit_relay: z.looseObject({ lastError: z.string().nullable() }) }),
});

/** The sources where every payment creates events. */
const sources = ['payments', 'accounts'] as const satisfies readonly ServiceName[];

/** Why a service's outbox waits, as reported by the service. */
async function lastErrorOf({ stack }: Scene, service: ServiceName): Promise<string | null> {
  const response = await fetch(`${stack.urls[service]}/health/ready`);
  return noteSchema.parse(await response.json()).notes.audit_relay.lastError;
}

/** As audit, which owns the stream. */
async function asAudit({ stack }: Scene, work: (manager: JetStreamManager) => Promise<void>): Promise<void> {
  const { nats, identities } = stack;
  const login = { user: 'audit', pass: identities.natsPasswords.audit, inboxPrefix: '_INBOX_audit' };
  const connection = await connect({ servers: nats.url, ...login });
  try {
    await work(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

/** The stream is full and refuses every publish for some seconds: clients notice nothing, and the outboxes fill it once there is room. */
export const streamFull: Fault = {
  name: 'stream-full',
  unfelt: true,
  async strike(scene) {
    const { random, struck, wrong } = scene;
    await delay(between(random, 200, 700));
    await asAudit(scene, async (manager) => {
      const last = async (): Promise<number> => (await manager.streams.info(auditStream.name)).state.last_seq;
      // What audit has taken has left the stream, so that it is full only where it may hold nothing at all.
      await manager.streams.update(auditStream.name, { max_bytes: 1 });
      struck();
      const before = await last();
      try {
        await delay(between(random, 4_000, 6_000));
        for (const source of sources)
          if ((await lastErrorOf(scene, source)) === null)
            wrong(`${source} does not say that the stream refuses its events`);
        const taken = (await last()) - before;
        if (taken > 0) wrong(`a full stream took ${String(taken)} messages`);
      } finally {
        await manager.streams.update(auditStream.name, { max_bytes: auditStream.max_bytes });
      }
    });
  },
};
