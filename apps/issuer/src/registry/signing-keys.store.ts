import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Transaction } from '@countersign/service-host';
import { eq } from 'drizzle-orm';
import { KEY_ENCRYPTION, type KeyEncryption } from './key-encryption.js';
import { KeysStore } from './keys.store.js';
import { issuerSecretTable, signingKeyTable } from './signing-keys.tables.js';

/** The key under which client secrets are digested. */
export const CLIENT_SECRET_KEY = 'client-secret-digest';

const secretContext = (name: string): string => `issuer secret ${name}`;

/** The keys that sign tokens, and the issuer's own secrets, in the database, encrypted. */
@Injectable()
export class SigningKeysStore extends KeysStore {
  constructor(@Inject(KEY_ENCRYPTION) encryption: KeyEncryption) {
    super(encryption, { table: signingKeyTable, purpose: 'sig', contextOf: (kid) => `signing key ${kid}` });
  }

  /** One of the issuer's own secrets. @returns undefined before it was created */
  async secret(transaction: Transaction, name: string): Promise<Buffer | undefined> {
    const [known] = await transaction.select().from(issuerSecretTable).where(eq(issuerSecretTable.name, name));
    return known === undefined ? undefined : this.encryption.open(known.sealed, secretContext(name));
  }

  /** Creates one of the issuer's own secrets, once. */
  async makeSecret(transaction: Transaction, name: string): Promise<void> {
    const sealed = await this.encryption.seal(randomBytes(32), secretContext(name));
    await transaction.insert(issuerSecretTable).values({ name, sealed }).onConflictDoNothing();
  }

  /** Re-encrypts what an earlier key-encryption key encrypted; after that the earlier one can be dropped. @returns how many */
  override async reseal(transaction: Transaction): Promise<number> {
    let resealed = await super.reseal(transaction);
    for (const { name, sealed: old } of await transaction.select().from(issuerSecretTable)) {
      if (old.kek === this.encryption.current) continue;
      const context = secretContext(name);
      const sealed = await this.encryption.seal(await this.encryption.open(old, context), context);
      await transaction.update(issuerSecretTable).set({ sealed }).where(eq(issuerSecretTable.name, name));
      resealed += 1;
    }
    return resealed;
  }
}
