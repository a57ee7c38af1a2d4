import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, DATABASE, KeyedAnswers, type Caller, type Database } from '@countersign/service-host';
import { ClientsStore } from '../registry/clients.store.js';
import { Replica } from '../registry/replica.service.js';
import { RevocationKeysStore } from '../registry/revocation-keys.store.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationBucket } from '../revocation/revocation-bucket.service.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { RevocationKeyRotation } from './revocation-key-rotation.service.js';
import { SigningKeysService, type SigningKeysJson } from './signing-keys.service.js';

/** What an administrator may do with the keys that sign what is revoked. */
@Injectable()
export class RevocationKeysService extends SigningKeysService {
  protected override readonly kind = 'revocation-key';

  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(RevocationKeysStore) store: RevocationKeysStore,
    @Inject(ClientsStore) registry: ClientsStore,
    @Inject(RevocationKeyRotation) rotation: RevocationKeyRotation,
    @Inject(Replica) replica: Replica,
    @Inject(RevocationService) revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) outbox: AuditOutbox,
    @Inject(KeyedAnswers) answers: KeyedAnswers,
    @Inject(CLOCK) clock: () => Date,
    @Inject(RevocationBucket) private readonly bucket: RevocationBucket,
  ) {
    super(database, store, registry, rotation, replica, revocations, outbox, answers, clock);
  }

  /**
   * Emergency: the key leaves its JWKS immediately, and the pending one, which validators already know, signs the whole list again. A validator
   * drops what only the revoked key signed once it has fetched the keys again.
   * @throws {Problem} 404 `KEY_UNKNOWN`
   */
  override async revoke(kid: string, caller: Caller): Promise<SigningKeysJson> {
    const keys = await super.revoke(kid, caller);
    this.bucket.mendSoon();
    return keys;
  }

  /** Such a key signs no token that would have to be refused. */
  protected override refuse(): Promise<readonly RevocationRow[]> {
    return Promise.resolve([]);
  }
}
