import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import { type Revocation } from '@countersign/revocation-feed';
import {
  AUDIT_OUTBOX,
  auditRequest,
  CLOCK,
  DATABASE,
  type Database,
  type RequestTrace,
  type Transaction,
} from '@countersign/service-host';
import { RevocationBucket } from './revocation-bucket.js';
import { RevocationMemory } from './revocation-memory.js';
import { clientRevocation, keyRevocation, nameOf, subjectRevocation, tokenRevocation } from './revocation.js';
import { revocationOf, RevocationsStore } from './revocations.store.js';
import { type RevocationRow } from './revocations.tables.js';

/** Who revokes, and why: a caller by a request, or the declared file, which nobody calls when it is applied at a start. */
export type RevokedBy = {
  /** For people; 200 characters at the most. */
  readonly reason?: string | undefined;
} & (
  | { readonly principal: AuditPrincipal; readonly trace: RequestTrace }
  | { readonly configuration: 'CLIENTS_FILE'; readonly principal?: undefined }
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
    @Inject(RevocationMemory) private readonly memory: RevocationMemory,
    @Inject(RevocationBucket) private readonly bucket: RevocationBucket,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @param expiresAt the token's `exp` in seconds; the longest life from now where it is not known */
  revokeToken(jti: string, expiresAt: number | undefined, by: RevokedBy): Promise<Revoked> {
    return this.#revoke(tokenRevocation(jti, expiresAt, this.#now()), by);
  }

  /** @param issuedBefore seconds; tokens issued at or before it are refused, now when left out */
  revokeClient(clientId: string, issuedBefore: number | undefined, by: RevokedBy): Promise<Revoked> {
    return this.#revoke(clientRevocation(clientId, issuedBefore ?? this.#now()), by);
  }

  /** @param issuedBefore seconds; tokens issued at or before it are refused, now when left out */
  revokeSubject(subject: string, issuedBefore: number | undefined, by: RevokedBy): Promise<Revoked> {
    return this.#revoke(subjectRevocation(subject, issuedBefore ?? this.#now()), by);
  }

  /** Refuses every token that the key signed; taking it out of the JWKS is for the signing keys. */
  revokeKey(kid: string, by: RevokedBy): Promise<Revoked> {
    return this.#revoke(keyRevocation(kid, this.#now()), by);
  }

  /**
   * As the above, in a transaction of the caller's: what it changes and the revocation commit together. Once it has committed, give the row to
   * {@link announce}; where that is forgotten or cut off, the next round within a second does it.
   */
  async recordIn(transaction: Transaction, revocation: Revocation, by: RevokedBy): Promise<RevocationRow> {
    const { reason } = by;
    const who = nameOfRevoker(by);
    const row = await this.store.add(transaction, revocation, { who, reason, now: this.clock() });
    await this.outbox.record(transaction, {
      type: `countersign.issuer.${revocation.kind}.revoked.v1`,
      subject: nameOf(revocation),
      ...(by.principal === undefined ? {} : { traceparent: by.trace.traceparent }),
      data: {
        principal: by.principal ?? null,
        txn: null,
        action: `${revocation.kind}:revoke`,
        resource: `${revocation.kind}/${nameOf(revocation)}`,
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
    this.memory.add(revocationOf(row));
    return { row, pushed: await this.bucket.push(row) };
  }

  #now(): number {
    return Math.floor(this.clock().getTime() / 1_000);
  }

  async #revoke(revocation: Revocation, by: RevokedBy): Promise<Revoked> {
    return this.announce(await this.database.transaction((transaction) => this.recordIn(transaction, revocation, by)));
  }
}
