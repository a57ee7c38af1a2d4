import { Inject, Injectable } from '@nestjs/common';
import { KEY_ENCRYPTION, type KeyEncryption } from './key-encryption.js';
import { KeysStore } from './keys.store.js';
import { revocationKeyTable } from './signing-keys.tables.js';

/** The keys that sign revocations, and nothing else. */
@Injectable()
export class RevocationKeysStore extends KeysStore {
  constructor(@Inject(KEY_ENCRYPTION) encryption: KeyEncryption) {
    super(encryption, {
      table: revocationKeyTable,
      purpose: 'revocation',
      contextOf: (kid) => `revocation key ${kid}`,
    });
  }
}
