import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { revokedName, type MemoryRevocationList } from '@countersign/auth-core';
import { AUDIT_OUTBOX, DATABASE, Problem, type Database, type Transaction } from '@countersign/service-host';
import { events } from '../events.js';
import { revocationOf } from '../registry/listed-revocation.js';
import { Replica } from '../registry/replica.service.js';
import { REVOKED } from '../registry/revocation-memory.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationBucket } from './revocation-bucket.service.js';
import { isInFuture, revocationFor, type RevocationCause, type RevocationRequest } from './revocation.js';
import { RevocationsStore } from './revocations.store.js';
import { hasCapacity, sharesCapacity } from './capacity.js';

/** The value of `revoked_by`; no client's or subject's name contains a space. */
const nameOfRevoker = ({ principal }: EventContext, { configuration }: RevocationCause): string =>
  principal?.subject ?? `configuration ${configuration ?? ''}`;

export interface Revoked {
  readonly row: RevocationRow;
  /** Whether the bucket has it already; if not, validators receive it once NATS is back. */
  readonly pushed: boolean;
}

/**
 * Revokes: the row and its audit event commit together, then the bucket gets its copy. The response is sent as soon as the database has it,
 * even while NATS is unavailable.
 */
@Injectable()
export class RevocationService {
  /** Entries of tokens as counted by a transaction, plus its own since: it counts only once, however many it adds. */
  readonly #filling = new WeakMap<Transaction, number>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(REVOKED) private readonly list: MemoryRevocationList,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationBucket) private readonly bucket: RevocationBucket,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * Revokes what is requested, in one commit.
   * @param who the caller's part of the events
   * @returns in the order of the requests
   * @throws {Problem} 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL`
   */
  async revoke(
    requests: readonly RevocationRequest[],
    who: EventContext,
    why: RevocationCause = {},
  ): Promise<readonly Revoked[]> {
    const rows = await this.database.transaction((transaction) => this.recordAllIn(transaction, requests, who, why));
    return Promise.all(rows.map((row) => this.announce(row)));
  }

  /** Like {@link recordIn}, for several. @returns in the order of the requests */
  async recordAllIn(
    transaction: Transaction,
    requests: readonly RevocationRequest[],
    who: EventContext,
    why: RevocationCause = {},
  ): Promise<readonly RevocationRow[]> {
    const rows: RevocationRow[] = [];
    for (const requested of requests) rows.push(await this.recordIn(transaction, requested, who, why));
    return rows;
  }

  /**
   * Like {@link revoke}, in the caller's transaction: its changes and the revocation commit together. Once it has committed, pass the
   * row to {@link announce}; if that is forgotten or interrupted, the next round within a second does it.
   * @throws {Problem} 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL`
   */
  async recordIn(
    transaction: Transaction,
    requested: RevocationRequest,
    who: EventContext,
    why: RevocationCause = {},
  ): Promise<RevocationRow> {
    await this.#makeRoom(transaction, requested, who);
    return this.#recordNow(transaction, requested, who, why);
  }

  /**
   * When many tokens' entries fill the list, one entry for their client replaces them: it refuses these and everything else the client got
   * until now. Without such a client the list stays full.
   */
  async #makeRoom(transaction: Transaction, { kind }: RevocationRequest, who: EventContext): Promise<void> {
    if (!sharesCapacity(kind)) return;
    const ofTokens = this.#filling.get(transaction) ?? (await this.store.countOfTokens(transaction));
    this.#filling.set(transaction, ofTokens + 1);
    if (hasCapacity(kind, { ofTokens }, this.bucket.maxBytes)) return;
    this.#filling.delete(transaction);
    const clientId = await this.store.largestHolder(transaction);
    if (clientId === undefined) {
      throw new Problem(
        503,
        'REVOCATIONS_FULL',
        'The list of revoked tokens is full; revoke the client or the subject instead.',
        {
          retry_after: 60,
        },
      );
    }
    await this.store.removeHeldBy(transaction, clientId);
    const why = { configuration: 'REVOCATION_BUCKET_BYTES', reason: 'its revoked tokens filled the list' } as const;
    // The caller caused it without requesting it.
    await this.#recordNow(transaction, { kind: 'client', clientId }, { ...who, principal: null }, why, true);
    this.bucket.mendSoon();
  }

  async #recordNow(
    transaction: Transaction,
    requested: RevocationRequest,
    who: EventContext,
    why: RevocationCause,
    replaces = false,
  ): Promise<RevocationRow> {
    const turn = await this.store.takeTurn(transaction, requested);
    if (isInFuture(requested, turn))
      throw new Problem(422, 'TIME_IN_FUTURE', 'issued_before must not be in the future.');
    const revocation = revocationFor(requested, turn);
    const { reason, configuration } = why;
    const further = {
      holder: 'holder' in requested ? requested.holder : undefined,
      replaces: replaces ? turn.number : undefined,
    };
    const row = await this.store.add(transaction, revocation, turn, { who: nameOfRevoker(who, why), reason }, further);
    await this.outbox.record(
      transaction,
      events.event(revocation.kind === 'api-key' ? 'api-key.tokens-revoked' : `${revocation.kind}.revoked`, who, {
        id: revokedName(revocation),
        changes: {
          ...(configuration === undefined ? {} : { configuration }),
          until: row.mattersUntil.toISOString(),
          ...(row.issuedBefore === null ? {} : { issued_before: row.issuedBefore.toISOString() }),
          ...(reason === undefined ? {} : { reason }),
        },
      }),
    );
    return row;
  }

  /** Puts a committed revocation in force here and into the bucket. */
  async announce(row: RevocationRow): Promise<Revoked> {
    this.list.add(revocationOf(row));
    const pushed = await this.bucket.push(row);
    // So that the list's new state is published soon; otherwise the next check does it.
    this.replica.refresh().catch(() => undefined);
    return { row, pushed };
  }
}
