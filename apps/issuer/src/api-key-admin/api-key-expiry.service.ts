import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  Background,
  byItself,
  CLOCK,
  DATABASE,
  METRICS,
  unattended,
  type Database,
} from '@countersign/service-host';
import { Gauge, type Registry } from 'prom-client';
import { events } from '../events.js';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { API_KEY_SETTINGS, type ApiKeySettings } from '../api-keys/new-api-key.js';

const CHECK_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Keys that one round announces. */
const ROUND_LIMIT = 200;

/** Announces keys without a successor before they expire: one event per key, and a metric. */
@Injectable()
export class ApiKeyExpiry implements OnModuleInit {
  readonly #expiring: Gauge;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(API_KEY_SETTINGS) private readonly settings: ApiKeySettings,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#expiring = new Gauge({
      name: 'issuer_api_keys_expiring',
      help: 'Live API keys without a successor that expire within API_KEY_WARNING_DAYS.',
      registers: [metrics],
    });
  }

  onModuleInit(): void {
    this.background.repeat({ name: 'api_key_expiry', everyMs: CHECK_EVERY_MS, run: () => this.check() });
  }

  /** One round. @returns `again` when more keys are due */
  async check(): Promise<'again' | undefined> {
    const now = this.clock();
    const before = new Date(now.getTime() + this.settings.warningDays * DAY_MS);
    const taken = await this.database.transaction(async (transaction) => {
      const rows = await this.store.takeExpiring(transaction, now, before, ROUND_LIMIT);
      for (const { id, clientId, name, expiresAt } of rows) {
        const changes = { client_id: clientId, name, expires_at: expiresAt.toISOString() };
        await this.outbox.record(
          transaction,
          events.event('api-key.expiring', byItself(unattended()), { id, changes }),
        );
      }
      return rows.length;
    });
    this.#expiring.set(await this.store.countExpiring(now, before));
    return taken === ROUND_LIMIT ? 'again' : undefined;
  }
}
