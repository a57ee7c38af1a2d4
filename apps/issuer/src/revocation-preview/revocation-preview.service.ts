import { Inject, Injectable } from '@nestjs/common';
import { RecentEvents, type AuditOutbox } from '@countersign/audit-client';
import { type RevocationList } from '@countersign/auth-core';
import { AUDIT_OUTBOX, by, CLOCK, DATABASE, POOL, type Caller, type Database } from '@countersign/service-host';
import type pg from 'pg';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { delegationIdSchema } from '../delegations/delegation.js';
import { DelegationsStore } from '../delegations/delegations.store.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { personIdSchema } from '../people/person.js';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { DescribedClients, type DescribedClient } from '../described-clients/described-clients.store.js';
import { REVOKED } from '../registry/revocation-memory.service.js';
import { SigningKeysStore } from '../registry/signing-keys.store.js';
import { resourceKindOf } from '../revocation/revocation.js';
import { SESSION_TIMES, sessionIdSchema, type SessionTimes } from '../sessions/session.js';
import { SessionsStore } from '../sessions/sessions.store.js';
import { tokenOf } from './live-token.js';
import {
  inCanonicalForm,
  refusedBy,
  refusedTokensOf,
  requestsOf,
  type PreviewQuery,
  type RefusedTokens,
  type RevocationPreview,
} from './revocation-preview.js';

/** Whether the service keeps its records for at least a token's lifetime. */
export const KEEPS_RECORDS = Symbol('countersign.issuer.keeps-records');

/** Records of issued tokens that one preview reads. */
const TOKENS_LIMIT = 20_000;

/** Shows what a revocation would refuse, before it is made. Each preview is recorded. */
@Injectable()
export class RevocationPreviews {
  readonly #recent: RecentEvents;

  constructor(
    @Inject(POOL) pool: pg.Pool,
    @Inject(KEEPS_RECORDS) private readonly keepsRecords: boolean,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SigningKeysStore) private readonly keys: SigningKeysStore,
    @Inject(DelegationsStore) private readonly delegations: DelegationsStore,
    @Inject(SessionsStore) private readonly sessions: SessionsStore,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
    @Inject(DescribedClients) private readonly described: DescribedClients,
    @Inject(ApiKeysStore) private readonly apiKeys: ApiKeysStore,
    @Inject(REVOKED) private readonly revoked: RevocationList,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {
    this.#recent = new RecentEvents(pool);
  }

  async preview(asked: PreviewQuery, caller: Caller): Promise<RevocationPreview> {
    const query = inCanonicalForm(asked);
    const now = this.clock();
    const described = query.kind === 'client' ? await this.described.under(this.database, query.name) : [];
    const tokens = await this.#tokens(query, described, now);
    const grants = await this.#grants(query, described, now);
    const kind = query.kind === 'session' ? query.kind : resourceKindOf(query.kind);
    const changes = { tokens: tokens?.live ?? null, ...grants };
    await this.outbox.recordDurably(
      events.event('revocation.previewed', by(caller), { kind, id: query.name, changes }),
    );
    return { ...query, tokens, ...grants };
  }

  async #tokens(query: PreviewQuery, described: readonly DescribedClient[], now: Date): Promise<RefusedTokens | null> {
    if (!this.keepsRecords) return null;
    const since = new Date(now.getTime() - TOKEN_LIFETIME_LIMIT * 1_000);
    const [delegations, records, keys] = await Promise.all([
      query.kind === 'session' ? this.delegations.liveIds({ sessionId: query.name }) : [],
      this.#recent.read(events.typeOf('token.issued'), since, TOKENS_LIMIT),
      this.keys.all(this.database),
    ]);
    const live = records.flatMap((record) => tokenOf(record, this.issuer) ?? []);
    const ground = { now: now.getTime() / 1_000, keys, revoked: this.revoked };
    const requests = requestsOf(query, { delegations, clients: described.map(({ clientId }) => clientId) });
    return refusedTokensOf(refusedBy(requests, live, ground), records.length < TOKENS_LIMIT);
  }

  /** What could yield new tokens in place of the refused ones. */
  async #grants(
    { kind, name }: PreviewQuery,
    described: readonly DescribedClient[],
    now: Date,
  ): Promise<Pick<RevocationPreview, 'delegations' | 'sessions' | 'api_keys'>> {
    const none = { delegations: 0, sessions: 0, api_keys: 0 };
    switch (kind) {
      case 'client': {
        const [own, keys] = await Promise.all([
          this.delegations.countLive({ clientId: name }),
          this.apiKeys.countUsable({ clientId: name }, now),
        ]);
        const delegations = described.reduce((sum, client) => sum + client.delegations, own);
        return { ...none, delegations, api_keys: keys };
      }
      case 'subject': {
        const person = personIdSchema.safeParse(name);
        if (!person.success) return none;
        const [delegations, sessions] = await Promise.all([
          this.delegations.countLive({ personId: person.data }),
          this.sessions.countLive(person.data, now, this.times),
        ]);
        return { ...none, delegations, sessions };
      }
      case 'transaction': {
        const id = delegationIdSchema.safeParse(name);
        return id.success ? { ...none, delegations: await this.delegations.countLive({ id: id.data }) } : none;
      }
      case 'api-key':
        return { ...none, api_keys: await this.apiKeys.countUsable({ id: name }, now) };
      case 'session': {
        const [delegations, isLive] = await Promise.all([
          this.delegations.countLive({ sessionId: name }),
          this.sessions.isLive(sessionIdSchema.parse(name), now, this.times),
        ]);
        return { ...none, delegations, sessions: isLive ? 1 : 0 };
      }
      case 'token':
      case 'key':
        return none;
    }
  }
}
