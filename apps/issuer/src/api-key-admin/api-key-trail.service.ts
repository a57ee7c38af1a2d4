import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, by, Problem, type Caller, type Transaction } from '@countersign/service-host';
import { apiKeyJson } from '../api-keys/api-key.js';
import { type ApiKeyRow } from '../api-keys/api-keys.tables.js';
import { events } from '../events.js';

export type ApiKeyChangeDone = 'created' | 'rotated' | 'disabled' | 'enabled' | 'revoked';
const actions = {
  created: 'api-key:create',
  rotated: 'api-key:rotate',
  disabled: 'api-key:disable',
  enabled: 'api-key:enable',
  revoked: 'api-key:revoke',
} as const satisfies Readonly<Record<ApiKeyChangeDone, string>>;

/** A key before and after a change; `before` is missing for a new key. */
export interface ChangedApiKey {
  readonly before: ApiKeyRow | null;
  readonly after: ApiKeyRow;
  readonly at: Date;
  readonly further?: Readonly<Record<string, string>>;
}

/** Records what administrators do with API keys, and what they were refused. */
@Injectable()
export class ApiKeyTrail {
  constructor(@Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox) {}

  /** In the transaction of the change. */
  async record(
    transaction: Transaction,
    done: ApiKeyChangeDone,
    caller: Caller,
    { before, after, at, further = {} }: ChangedApiKey,
  ): Promise<void> {
    const changes = {
      before: before === null ? null : apiKeyJson(before, at),
      after: apiKeyJson(after, at),
      ...further,
    };
    await this.outbox.record(transaction, events.event(`api-key.${done}`, by(caller), { id: after.id, changes }));
  }

  /** @throws what the work threw; a refusal is recorded first */
  async recordingRefusal<Answer>(
    done: ApiKeyChangeDone,
    place: { readonly kind: 'client' | 'api-key'; readonly id: string },
    caller: Caller,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem) {
        const details = { ...place, action: actions[done], outcome: 'failed', reason: error.code } as const;
        await this.outbox.recordDurably(events.event('api-key.change_refused', by(caller), details));
      }
      throw error;
    }
  }
}
