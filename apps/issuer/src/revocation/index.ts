import { type NatsOptions } from '@countersign/audit-client';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { type Provider } from '@nestjs/common';
import { AdminRevocationsController } from './admin-revocations.controller.js';
import { OwnTokens } from './own-tokens.js';
import { BUCKET_NATS, BUCKET_REPLICAS, RevocationBucket } from './revocation-bucket.js';
import { REVOKED, RevocationMemory } from './revocation-memory.js';
import { RevocationService } from './revocation.service.js';
import { RevocationsStore } from './revocations.store.js';
import { TokenRevocationController } from './token-revocation.controller.js';
import { TokenRevocationService } from './token-revocation.service.js';

export const revocationControllers = [TokenRevocationController, AdminRevocationsController];

/** Everything that revocation is made of, for the issuer's module. @param replicas servers that keep the bucket. @param revoked the list that its verifiers ask */
export function revocationProviders(nats: NatsOptions, replicas: number, revoked: MemoryRevocationList): Provider[] {
  return [
    { provide: BUCKET_NATS, useValue: nats },
    { provide: BUCKET_REPLICAS, useValue: replicas },
    { provide: REVOKED, useValue: revoked },
    RevocationsStore,
    RevocationMemory,
    RevocationBucket,
    RevocationService,
    OwnTokens,
    TokenRevocationService,
  ];
}
