import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  Background,
  CLOCK,
  DATABASE,
  METRICS,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { Counter, type Registry } from 'prom-client';
import { type Delegation } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { Replica } from '../registry/replica.service.js';
import { isOwn, parseRefreshToken, refreshKeyOf, refreshTokenOf, type PresentedRefreshToken } from './refresh-token.js';
import { RefreshStore } from './refresh.store.js';
import { rotate, type RefreshTimes } from './rotation.js';

export const REFRESH_TIMES = Symbol('countersign.issuer.refresh-times');

const PRUNE_EVERY_MS = 60_000;
const PRUNE_AT_ONCE = 1_000;

/** What a refresh token brought: its successor, or why none. */
export type RefreshOutcome =
  | { readonly token: string }
  | {
      readonly refused:
        'REFRESH_TOKEN_EXPIRED' | 'REFRESH_TOKEN_REPLAYED' | 'REFRESH_TOKEN_UNKNOWN' | 'DELEGATION_ENDED';
    };

/** Refresh tokens: one works at a time for each delegation, and each use makes another. */
@Injectable()
export class RefreshTokens implements OnModuleInit {
  readonly #uses: Counter<'outcome'>;
  #key: { readonly secret: Buffer; readonly key: Buffer } | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RefreshStore) private readonly store: RefreshStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(REFRESH_TIMES) private readonly times: RefreshTimes,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#uses = new Counter({
      name: 'issuer_refresh_tokens_total',
      help: 'Uses of refresh tokens: rotated, again (a used one within the window), expired, replayed (an alert: somebody else may have it).',
      labelNames: ['outcome'],
      registers: [metrics],
    });
  }

  /** The first refresh token of a delegation, in the transaction in which that begins. */
  async begin(transaction: Transaction, { id }: Pick<Delegation, 'id'>): Promise<string> {
    const salt = randomBytes(32).toString('base64url');
    await this.store.begin(transaction, id, salt, this.clock());
    return refreshTokenOf(id, 0, salt, this.#keyNow());
  }

  /**
   * A token of this issuer's making, used or not, with the delegation that it is of.
   * @returns nothing for whatever else
   */
  async find(
    token: string,
  ): Promise<{ readonly presented: PresentedRefreshToken; readonly delegation: Delegation } | undefined> {
    const presented = parseRefreshToken(token);
    const kept = presented === undefined ? undefined : await this.store.find(presented.delegationId);
    if (presented === undefined || kept === undefined || !isOwn(presented, kept.salt, this.#keyNow())) return undefined;
    const delegation = await this.delegations.find(presented.delegationId);
    return delegation === undefined ? undefined : { presented, delegation };
  }

  /** Uses a token: of many who use one at all replicas together, one rotates, and all get the same successor. */
  async use(transaction: Transaction, { delegationId, generation }: PresentedRefreshToken): Promise<RefreshOutcome> {
    const kept = await this.store.lock(transaction, delegationId);
    if (kept === undefined) return { refused: 'DELEGATION_ENDED' };
    const now = this.clock();
    const verdict = rotate(kept.family, generation, now.getTime(), this.times);
    switch (verdict.kind) {
      case 'rotated':
        await this.store.rotated(transaction, delegationId, verdict.family, now);
        this.#uses.inc({ outcome: 'rotated' });
        return { token: refreshTokenOf(delegationId, verdict.family.generation, kept.salt, this.#keyNow()) };
      case 'again':
        this.#uses.inc({ outcome: 'again' });
        return { token: refreshTokenOf(delegationId, verdict.generation, kept.salt, this.#keyNow()) };
      case 'expired':
        this.#uses.inc({ outcome: 'expired' });
        return { refused: 'REFRESH_TOKEN_EXPIRED' };
      case 'replayed':
        return { refused: 'REFRESH_TOKEN_REPLAYED' };
      case 'unknown':
        return { refused: 'REFRESH_TOKEN_UNKNOWN' };
    }
  }

  /** A used token came back after the window: the one who has its successors is signed out, and an alert is recorded. */
  async replayed({ delegationId, generation }: PresentedRefreshToken, who: EventContext): Promise<void> {
    this.#uses.inc({ outcome: 'replayed' });
    const ended = await this.database.transaction(async (transaction) => {
      const all = await this.delegations.endIn(transaction, { id: delegationId }, 'REFRESH_REPLAYED', who);
      const [one] = all.ended;
      if (one === undefined) return all;
      const changes = { person: one.personId, client_id: one.clientId, generation };
      const alert = events.event(
        'refresh-token.replayed',
        { ...who, txn: delegationId },
        { id: delegationId, changes },
      );
      await this.outbox.record(transaction, alert);
      return all;
    });
    await this.delegations.announce(ended);
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'refresh_tokens',
      everyMs: PRUNE_EVERY_MS,
      run: async () => {
        const now = this.clock().getTime();
        const before = (age: number): Date => new Date(now - age);
        const gone = await this.store.prune(before(this.times.idle), before(this.times.life), PRUNE_AT_ONCE);
        return gone === PRUNE_AT_ONCE ? 'again' : undefined;
      },
    });
  }

  #keyNow(): Buffer {
    const secret = this.replica.secretKey;
    if (this.#key?.secret !== secret) this.#key = { secret, key: refreshKeyOf(secret) };
    return this.#key.key;
  }
}
