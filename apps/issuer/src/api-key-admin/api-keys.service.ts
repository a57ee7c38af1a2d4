import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, CLOCK, pageOf, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { Replica } from '../registry/replica.service.js';
import { matchesHash } from '../api-keys/api-key-digest.js';
import { apiKeyJson, statusOf, type ApiKeyJson, type ApiKeyStatus } from '../api-keys/api-key.js';
import { type ApiKeysQuery, type Lookup } from './api-key-requests.js';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { unknownApiKey } from './api-key-problems.js';

export interface ApiKeyPage {
  readonly api_keys: readonly ApiKeyJson[];
  readonly next_cursor?: string;
}

/** The result for a key that was found somewhere; `unknown` if the issuer made no such key. */
export interface FoundApiKeyJson {
  readonly id: string;
  readonly status: ApiKeyStatus | 'unknown';
  readonly client_id?: string;
  readonly name?: string;
}

/** What an administrator may see of API keys; every read is recorded. */
@Injectable()
export class ApiKeysService {
  constructor(
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async list(query: ApiKeysQuery, caller: Caller): Promise<ApiKeyPage> {
    const { client_id: clientId, cursor, limit, ends_before: before } = query;
    const now = this.clock();
    const found = await (before === undefined
      ? this.store.page(clientId, cursor, limit + 1)
      : this.store.ending(clientId, now, before, limit));
    const { rows, last } = pageOf(found, limit);
    const keys = rows.map((row) => apiKeyJson(row, now));
    await this.#recordRead(caller, { id: EVERY, action: 'api-key:list', changes: { count: keys.length } });
    return last === undefined ? { api_keys: keys } : { api_keys: keys, next_cursor: last.id };
  }

  async read(id: string, caller: Caller): Promise<ApiKeyJson> {
    const row = await this.store.find(id);
    const missing = row === undefined ? ({ outcome: 'failed', reason: 'API_KEY_UNKNOWN' } as const) : {};
    await this.#recordRead(caller, { id, action: 'api-key:read', ...missing });
    if (row === undefined) throw unknownApiKey();
    return apiKeyJson(row, this.clock());
  }

  /** Which of the keys that somebody found are keys of this issuer, and whether they still work. One that only shares an id is unknown. */
  async lookup({ keys }: Lookup, caller: Caller): Promise<readonly FoundApiKeyJson[]> {
    const rows = new Map((await this.store.named(keys.map(({ id }) => id))).map((row) => [row.id, row]));
    const now = this.clock();
    const found = keys.map(({ id, sha256 }): FoundApiKeyJson => {
      const row = rows.get(id);
      if (!matchesHash(sha256, row?.digest, this.replica.secretKey) || row === undefined)
        return { id, status: 'unknown' };
      return { id, status: statusOf(row, now), client_id: row.clientId, name: row.name };
    });
    const count = found.filter(({ status }) => status === 'live' || status === 'rotated').length;
    await this.#recordRead(caller, { id: EVERY, action: 'api-key:lookup', changes: { count } });
    return found;
  }

  async #recordRead(caller: Caller, details: Parameters<typeof events.event>[2]): Promise<void> {
    await this.outbox.recordDurably(events.event('api-key.looked-at', by(caller), details));
  }
}
