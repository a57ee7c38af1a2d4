import { type KeyObject } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, Background, CLOCK, DATABASE, METRICS, type Database } from '@countersign/service-host';
import { Counter, type Registry } from 'prom-client';
import { type DelegationId } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { Replica } from '../registry/replica.service.js';
import { LAST_TOKEN_SECONDS } from './delegation-ends.js';
import {
  isOwn,
  newSalts,
  parseRefreshToken,
  refreshKeyOf,
  refreshTokenOf,
  type PresentedRefreshToken,
} from './refresh-token.js';
import { RefreshStore, type KeptFamily } from './refresh.store.js';
import { REFRESH_TIMES, type RefreshTimes } from './rotation.js';

const PRUNE_EVERY_MS = 60_000;
const PRUNE_AT_ONCE = 1_000;
/** A family's row stores its last use to the hour. */
const USE_KNOWN_TO_MS = 3_600_000;

/** A refresh token that this issuer created, used or not, with its family. */
export interface FoundRefreshToken extends KeptFamily {
  readonly presented: PresentedRefreshToken;
}

/** What a use came to. */
export type RefreshUse = 'rotated' | 'again' | 'expired' | 'replayed';

/** Refresh tokens: one at a time works for each delegation, and each use creates the next one. */
@Injectable()
export class RefreshTokens implements OnModuleInit {
  readonly #uses: Counter<'outcome'>;
  readonly #newSalt = newSalts();
  #key: { readonly secret: KeyObject; readonly key: KeyObject } | undefined;

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

  /** A family for a new delegation: its salt, to be stored, and its first token. */
  newFamily(id: DelegationId): { readonly salt: string; readonly token: string } {
    const salt = this.#newSalt();
    return { salt, token: this.tokenOf(id, 0, salt) };
  }

  /** The token of a generation of a family. */
  tokenOf(id: DelegationId, generation: number, salt: string): string {
    return refreshTokenOf(id, generation, salt, this.#keyNow());
  }

  /** @returns undefined if this issuer did not create it */
  async find(token: string): Promise<FoundRefreshToken | undefined> {
    const presented = parseRefreshToken(token);
    const kept = presented === undefined ? undefined : await this.store.find(presented.delegationId);
    if (presented === undefined || kept === undefined || !isOwn(presented, kept.salt, this.#keyNow())) return undefined;
    return { ...kept, presented };
  }

  /** Counts a use. */
  used(outcome: RefreshUse): void {
    this.#uses.inc({ outcome });
  }

  /** A used token was presented after its window: the holder of its successors is signed out, and an alert is recorded. */
  async replayed({ delegationId, generation }: PresentedRefreshToken, who: EventContext): Promise<void> {
    this.used('replayed');
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
    this.background.repeat({ name: 'refresh_tokens', everyMs: PRUNE_EVERY_MS, run: () => this.prune() });
  }

  /**
   * Deletes expired families once the tokens from their last use have expired too: until then their delegation continues, so that it can be ended.
   * @returns `again` when there may be more
   */
  async prune(): Promise<'again' | undefined> {
    const now = this.clock().getTime() - LAST_TOKEN_SECONDS * 1_000;
    const { idle, life } = this.times;
    const gone = await this.store.prune(new Date(now - idle - USE_KNOWN_TO_MS), new Date(now - life), PRUNE_AT_ONCE);
    return gone === PRUNE_AT_ONCE ? 'again' : undefined;
  }

  #keyNow(): KeyObject {
    const secret = this.replica.secretKey;
    if (this.#key?.secret !== secret) this.#key = { secret, key: refreshKeyOf(secret) };
    return this.#key.key;
  }
}
