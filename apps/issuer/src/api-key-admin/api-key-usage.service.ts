import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  Background,
  by,
  byItself,
  CLOCK,
  DATABASE,
  Problem,
  unattended,
  type Caller,
  type Database,
} from '@countersign/service-host';
import { ApiKeyAuthentication } from '../api-keys/api-key-authentication.service.js';
import { ApiKeyUses } from '../api-keys/api-key-uses.service.js';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { events } from '../events.js';
import { DAYS_LIMIT, lastUseOf, periodOf, type ApiKeyUsageQuery, type UsageReports } from './api-key-usage.js';
import { ApiKeyUsageStore } from './api-key-usage.store.js';
import { unknownApiKey } from './api-key-problems.js';

const CHECK_EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
/** How many times its usual hourly use counts as unusual, and the minimum number of requests. */
const UNUSUAL_TIMES = 10;
const UNUSUAL_LEAST = 100;

export interface ApiKeyUsageJson {
  readonly api_key_id: string;
  readonly from: string;
  readonly to: string;
  /** By hour, audience, route class and outcome. */
  readonly uses: readonly {
    readonly hour: string;
    readonly audience: string;
    readonly route_class: string;
    readonly outcome: string;
    readonly count: number;
  }[];
  readonly totals: Readonly<Record<'allowed' | 'denied' | 'limited', number>>;
}

/** What services report about API keys, and what that shows. */
@Injectable()
export class ApiKeyUsageService implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ApiKeyUsageStore) private readonly store: ApiKeyUsageStore,
    @Inject(ApiKeysStore) private readonly keys: ApiKeysStore,
    @Inject(ApiKeyUses) private readonly uses: ApiKeyUses,
    @Inject(ApiKeyAuthentication) private readonly authentication: ApiKeyAuthentication,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'api_key_usage',
      everyMs: CHECK_EVERY_MS,
      run: async () => {
        await this.check();
        return undefined;
      },
    });
  }

  /** Counts a service's report once; the service's client is the audience that it counts for. */
  async count({ reports }: UsageReports, caller: Caller): Promise<void> {
    const now = this.clock();
    // The service caused it without asking for it.
    const who = { ...by(caller), principal: null };
    await this.database.transaction(async (transaction) => {
      const fresh = await this.store.takeNew(
        transaction,
        reports.map(({ id }) => id),
        now,
      );
      const counted = reports.filter(({ id }) => fresh.has(id));
      await this.store.add(
        transaction,
        caller.principal.clientId,
        counted.flatMap(({ uses }) => uses),
      );
      const added = await this.store.addNetworks(
        transaction,
        counted.flatMap(({ networks }) => networks),
        now,
      );
      for (const { api_key_id: id, network } of added) {
        const changes = { network, service: caller.principal.clientId };
        await this.outbox.record(transaction, events.event('api-key.new-network', who, { id, changes }));
      }
    });
    for (const { uses } of reports) {
      for (const use of uses) if (use.outcome === 'allowed') this.uses.note(use.api_key_id, lastUseOf(use, now));
    }
  }

  /** Marks a key as exposed. A text that is not a key of this issuer changes nothing, and gets the same response. */
  async exposed(text: string, caller: Caller): Promise<void> {
    const key = await this.authentication.identify(text);
    if (key === undefined) {
      const details = { id: 'unknown', outcome: 'failed', reason: 'API_KEY_UNKNOWN' } as const;
      await this.outbox.recordDurably(events.event('api-key.exposed', by(caller), details));
      return;
    }
    const { clientId: service } = caller.principal;
    await this.database.transaction(async (transaction) => {
      const before = await this.keys.findForChange(transaction, key.id);
      if (before?.exposedAt === null) {
        await this.keys.change(transaction, key.id, { exposedAt: this.clock(), exposedAtService: service });
      }
      const changes = { client_id: key.clientId, name: key.name, service };
      await this.outbox.record(transaction, events.event('api-key.exposed', by(caller), { id: key.id, changes }));
    });
  }

  /** @throws {Problem} 400 `PERIOD_INVALID`, 404 `API_KEY_UNKNOWN` */
  async usage(id: string, query: ApiKeyUsageQuery, caller: Caller): Promise<ApiKeyUsageJson> {
    const period = periodOf(query, this.clock());
    if (period === undefined) {
      const days = String(DAYS_LIMIT);
      throw new Problem(400, 'PERIOD_INVALID', `to must be after from, by at most ${days} days.`);
    }
    const key = await this.keys.find(id);
    const missing = key === undefined ? ({ outcome: 'failed', reason: 'API_KEY_UNKNOWN' } as const) : {};
    await this.outbox.recordDurably(
      events.event('api-key.looked-at', by(caller), { id, action: 'api-key:usage', ...missing }),
    );
    if (key === undefined) throw unknownApiKey();
    const rows = await this.store.usage(id, period);
    const totals = { allowed: 0, denied: 0, limited: 0 };
    for (const { outcome, count } of rows) totals[outcome] += count;
    return {
      api_key_id: id,
      from: period.from.toISOString(),
      to: period.to.toISOString(),
      uses: rows.map(({ hour, ...use }) => ({ hour: hour.toISOString(), ...use })),
      totals,
    };
  }

  /** One round: notes unusual use, and forgets what is old. */
  async check(): Promise<void> {
    const now = this.clock();
    const hour = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS);
    await this.database.transaction(async (transaction) => {
      for (const use of await this.store.takeUnusual(transaction, hour, UNUSUAL_TIMES, UNUSUAL_LEAST)) {
        const { id, client_id, name, count, usual } = use;
        const changes = { client_id, name, hour: use.hour.toISOString(), count, usual: Math.round(usual * 10) / 10 };
        await this.outbox.record(transaction, events.event('api-key.unusual', byItself(unattended()), { id, changes }));
      }
    });
    await this.store.prune(now);
  }
}
