import { type Provider } from '@nestjs/common';
import { type MemoryRevocationList } from '@countersign/auth-core';
import { ListDigest } from '@countersign/revocation-feed';
import { type TargetRule } from '@countersign/service-host/outgoing';
import { AudienceWordsStore } from './audience-words.store.js';
import { ClientDocuments, DOCUMENT_TARGETS } from './client-documents.service.js';
import { ClientsStore } from './clients.store.js';
import { FreshAdmin } from './fresh-admin.service.js';
import { KEY_ENCRYPTION, type KeyEncryption } from './key-encryption.js';
import { SIGNING_KEYS } from './key-set.js';
import { ListedRevocations } from './listed-revocations.store.js';
import { RemoteKeys } from './remote-keys.service.js';
import { Replica } from './replica.service.js';
import { RevocationKeysStore } from './revocation-keys.store.js';
import { LIST_DIGEST, REVOKED, RevocationMemory } from './revocation-memory.service.js';
import { SigningKeysStore } from './signing-keys.store.js';

export interface RegistryOptions {
  readonly encryption: KeyEncryption;
  /** The list that the issuer's own guard checks. */
  readonly revoked: MemoryRevocationList;
  /** Which addresses clients' documents may be fetched from. */
  readonly documentTargets: TargetRule;
}

/** A replica's clients, keys and revocations, for the issuer's module. */
export function registryProviders({ encryption, revoked, documentTargets }: RegistryOptions): readonly Provider[] {
  return [
    { provide: KEY_ENCRYPTION, useValue: encryption },
    ClientsStore,
    SigningKeysStore,
    RevocationKeysStore,
    ListedRevocations,
    { provide: REVOKED, useValue: revoked },
    { provide: LIST_DIGEST, useValue: new ListDigest() },
    RevocationMemory,
    RemoteKeys,
    Replica,
    { provide: SIGNING_KEYS, useExisting: Replica },
    { provide: DOCUMENT_TARGETS, useValue: documentTargets },
    ClientDocuments,
    FreshAdmin,
    AudienceWordsStore,
  ];
}
