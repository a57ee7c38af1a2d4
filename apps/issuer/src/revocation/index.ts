import { type NatsOptions } from '@countersign/audit-client';
import { type BucketOptions } from '@countersign/revocation-feed';
import { type Provider } from '@nestjs/common';
import { RestorationController } from './restoration.controller.js';
import { Restoration } from './restoration.service.js';
import { BUCKET_NATS, BUCKET_OPTIONS, RevocationBucket } from './revocation-bucket.service.js';
import { RevocationService } from './revocation.service.js';
import { RevocationsStore } from './revocations.store.js';
import { Statements } from './statements.service.js';

export const revocationControllers = [RestorationController];

/** The providers of revocation, for the issuer's module. */
export function revocationProviders(nats: NatsOptions, bucket: BucketOptions): Provider[] {
  return [
    { provide: BUCKET_NATS, useValue: nats },
    { provide: BUCKET_OPTIONS, useValue: bucket },
    RevocationsStore,
    Statements,
    Restoration,
    RevocationBucket,
    RevocationService,
  ];
}
