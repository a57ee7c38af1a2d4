import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { insertPart, nameOfPart, oneStatement, type Part } from './statement-parts.store.js';

/**
 * The outcome of a change: `done`; `key_known`, another request holds the Idempotency-Key; `stale`, a row has changed since it was read,
 * or a slot is taken. Except for `done` nothing was changed.
 */
export type Committed = 'done' | 'key_known' | 'stale';

const answerRows = z.tuple([z.record(z.string(), z.unknown())]);

/** How often a change is decided again because a row has changed; beyond that something is broken. */
export const TRIES = 100;

/** Commits what belongs together in one statement: the change, its event, the key, the notices. */
@Injectable()
export class ChangesStore {
  constructor(
    @Inject(POOL) private readonly pool: Pick<pg.Pool, 'query'>,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async commit(parts: readonly Part[]): Promise<Committed> {
    const { name, text, values } = oneStatement(parts);
    try {
      const { rows } = await this.pool.query({ name, text, values: [...values] });
      const [row] = answerRows.parse(rows);
      for (const [index, { done, changed }] of parts.entries()) {
        done?.();
        if (row[nameOfPart(index)] === true) changed?.();
      }
      return 'done';
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      if (error.code === 'PY001') return 'stale';
      const taken = error.code === '23505' && 'constraint' in error ? error.constraint : undefined;
      if (taken === 'idempotency_key_pkey') return 'key_known';
      if (taken === 'webhook_endpoint_slot') return 'stale';
      throw error;
    }
  }

  /** The audit event of the change, committed together with it; until then its request counts as unrecorded. */
  event(event: NewAuditEvent): Part {
    const complete = this.outbox.prepare(event);
    const insert = insertPart('audit_outbox', { id: complete.id, event: JSON.stringify(complete) });
    const done = (): void => {
      this.outbox.announce(event);
      this.outbox.recorded();
    };
    return { ...insert, done };
  }
}
