import { type NatsOptions } from '@countersign/audit-client';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { ListDigest, type BucketOptions } from '@countersign/revocation-feed';
import { type Provider } from '@nestjs/common';
import { AdminRevocationsController } from './admin-revocations.controller.js';
import { AdminRevocationsService } from './admin-revocations.service.js';
import { OwnTokens } from './own-tokens.js';
import { BUCKET_NATS, BUCKET_OPTIONS, RevocationBucket } from './revocation-bucket.js';
import { RevocationKeysStore } from './revocation-keys.store.js';
import { RevocationKeysController } from './revocation-keys.controller.js';
import { RevocationKeyRotation } from './revocation-keys.js';
import { RevocationKeysService } from './revocation-keys.service.js';
import { LIST_DIGEST, REVOKED, RevocationMemory } from './revocation-memory.js';
import { RevocationService } from './revocation.service.js';
import { RevocationsStore } from './revocations.store.js';
import { RestorationController } from './restoration.controller.js';
import { Restoration } from './restoration.js';
import { Statements } from './statements.js';
import { TokenRevocationController } from './token-revocation.controller.js';
import { TokenRevocationService } from './token-revocation.service.js';

export const revocationControllers = [
  TokenRevocationController,
  AdminRevocationsController,
  RestorationController,
  RevocationKeysController,
];

/** Everything that revocation is made of, for the issuer's module. @param revoked the list that its verifiers ask */
export function revocationProviders(
  nats: NatsOptions,
  bucket: BucketOptions,
  revoked: MemoryRevocationList,
): Provider[] {
  return [
    { provide: BUCKET_NATS, useValue: nats },
    { provide: BUCKET_OPTIONS, useValue: bucket },
    { provide: REVOKED, useValue: revoked },
    { provide: LIST_DIGEST, useValue: new ListDigest() },
    RevocationsStore,
    RevocationKeysStore,
    RevocationKeyRotation,
    RevocationKeysService,
    Statements,
    Restoration,
    RevocationMemory,
    RevocationBucket,
    RevocationService,
    AdminRevocationsService,
    OwnTokens,
    TokenRevocationService,
  ];
}
