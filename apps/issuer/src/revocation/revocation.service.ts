import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import { revokedName, type MemoryRevocationList } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  auditRequest,
  DATABASE,
  Problem,
  type Database,
  type RequestTrace,
  type Transaction,
} from '@countersign/service-host';
import { Replica } from '../replica/replica.js';
import { RevocationBucket } from './revocation-bucket.js';
import { hasRoom } from './room.js';
import { REVOKED } from './revocation-memory.js';
import { isInFuture, revocationFor, type RevocationWish } from './revocation.js';
import { revocationOf, RevocationsStore } from './revocations.store.js';
import { type RevocationRow } from './revocations.tables.js';

/**
 * Who revokes, and why: a caller by a request, or a setting that nobody calls: the declared file when it is applied at a start, the room of
 * the bucket when it fills.
 */
export type RevokedBy = {
  /** For people; at most 200 characters. */
  readonly reason?: string | undefined;
} & (
  | { readonly principal: AuditPrincipal; readonly trace: RequestTrace }
  | { readonly configuration: 'CLIENTS_FILE' | 'REVOCATION_BUCKET_BYTES'; readonly principal?: undefined }
);

/** As `revoked_by` names who it was; no client's or subject's name has a space. */
const nameOfRevoker = (by: RevokedBy): string =>
  by.principal === undefined ? `configuration ${by.configuration}` : by.principal.subject;

export interface Revoked {
  readonly row: RevocationRow;
  /** Whether the bucket has it already; if not, validators hear of it once NATS is back. */
  readonly pushed: boolean;
}

/**
 * Revokes: the row and its audit event commit together, then the bucket gets its copy. A caller is answered as soon as the database has it,
 * also while NATS is away.
 */
@Injectable()
export class RevocationService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(REVOKED) private readonly list: MemoryRevocationList,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationBucket) private readonly bucket: RevocationBucket,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * Revokes what is wished, in one commit.
   * @returns in the order of the wishes
   * @throws {Problem} 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL`
   */
  async revoke(wishes: readonly RevocationWish[], by: RevokedBy): Promise<readonly Revoked[]> {
    const rows = await this.database.transaction(async (transaction) => {
      const recorded: RevocationRow[] = [];
      for (const wish of wishes) recorded.push(await this.recordIn(transaction, wish, by));
      return recorded;
    });
    return Promise.all(rows.map((row) => this.announce(row)));
  }

  /**
   * As {@link revoke}, in a transaction of the caller's: what it changes and the revocation commit together. Once it has committed, give the
   * row to {@link announce}; where that is forgotten or cut off, the next round within a second does it.
   * @throws {Problem} 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL`
   */
  async recordIn(transaction: Transaction, wish: RevocationWish, by: RevokedBy): Promise<RevocationRow> {
    await this.#makeRoom(transaction, wish);
    return this.#recordNow(transaction, wish, by);
  }

  /**
   * Many tokens' entries fill the list, and then one of their client takes their place: it refuses these and whatever else the client got
   * until now. Without such a client the list is full.
   */
  async #makeRoom(transaction: Transaction, { kind }: RevocationWish): Promise<void> {
    const filling = { ofTokens: await this.store.countOfTokens(transaction) };
    if (hasRoom(kind, filling, this.bucket.maxBytes)) return;
    const clientId = await this.store.largestHolder(transaction);
    if (clientId === undefined) {
      throw new Problem(
        503,
        'REVOCATIONS_FULL',
        'The list of revoked tokens is full: revoke the client or the subject.',
        {
          retry_after: 60,
        },
      );
    }
    await this.store.removeHeldBy(transaction, clientId);
    const reason = 'its revoked tokens filled the list';
    const by = { configuration: 'REVOCATION_BUCKET_BYTES', reason } as const;
    await this.#recordNow(transaction, { kind: 'client', clientId }, by, true);
    this.bucket.mendSoon();
  }

  async #recordNow(
    transaction: Transaction,
    wish: RevocationWish,
    by: RevokedBy,
    replaces = false,
  ): Promise<RevocationRow> {
    const turn = await this.store.takeTurn(transaction, wish.kind);
    if (isInFuture(wish, turn)) throw new Problem(422, 'TIME_IN_FUTURE', 'issued_before lies in the future.');
    const revocation = revocationFor(wish, turn);
    const { reason } = by;
    const who = nameOfRevoker(by);
    const further = {
      holder: 'holder' in wish ? wish.holder : undefined,
      replaces: replaces ? turn.number : undefined,
    };
    const row = await this.store.add(transaction, revocation, turn, { who, reason }, further);
    await this.outbox.record(transaction, {
      type: `countersign.issuer.${revocation.kind}.revoked.v1`,
      subject: revokedName(revocation),
      ...(by.principal === undefined ? {} : { traceparent: by.trace.traceparent }),
      data: {
        principal: by.principal ?? null,
        txn: null,
        action: `${revocation.kind}:revoke`,
        resource: `${revocation.kind}/${revokedName(revocation)}`,
        outcome: 'allowed',
        ...(by.principal === undefined ? {} : { request: auditRequest(by.trace) }),
        changes: {
          ...(by.principal === undefined ? { configuration: by.configuration } : {}),
          until: row.mattersUntil.toISOString(),
          ...(row.issuedBefore === null ? {} : { issued_before: row.issuedBefore.toISOString() }),
          ...(reason === undefined ? {} : { reason }),
        },
      },
    });
    return row;
  }

  /** Puts a committed revocation in force here and into the bucket. */
  async announce(row: RevocationRow): Promise<Revoked> {
    this.list.add(revocationOf(row));
    const pushed = await this.bucket.push(row);
    // So that the list is stated with it soon; the next look does it otherwise.
    this.replica.refresh().catch(() => undefined);
    return { row, pushed };
  }
}
