import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, Background, CLOCK, DATABASE, LOGGER, type Database } from '@countersign/service-host';
import { type Logger } from 'pino';
import { ClientsStore } from '../registry/clients.store.js';
import { Replica } from '../registry/replica.service.js';
import { RevocationKeysStore } from '../registry/revocation-keys.store.js';
import { KeyRotation, ROTATION_SETTINGS, type RotationSettings } from './key-rotation.service.js';

/**
 * Rotates the keys that sign revocations, like signing keys. What an earlier key signed is signed again by the active one when the bucket is next
 * compared, so that a retired key is needed no longer than by anyone who still reads what it signed.
 */
@Injectable()
export class RevocationKeyRotation extends KeyRotation {
  protected override readonly kind = 'revocation-key';

  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(RevocationKeysStore) store: RevocationKeysStore,
    @Inject(ClientsStore) registry: ClientsStore,
    @Inject(Replica) replica: Replica,
    @Inject(ROTATION_SETTINGS) settings: RotationSettings,
    @Inject(AUDIT_OUTBOX) outbox: AuditOutbox,
    @Inject(CLOCK) clock: () => Date,
    @Inject(LOGGER) logger: Logger,
    @Inject(Background) background: Background,
  ) {
    super(database, store, registry, replica, settings, outbox, clock, logger, background);
  }
}
