import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { generateSigningKey, publicJwkOf, type Algorithm, type PrivateJwk } from '@countersign/auth-core';
import { type Database, type Transaction } from '@countersign/service-host';
import { desc, eq } from 'drizzle-orm';
import { privateJwkSchema } from './key-import.js';
import { KEY_ENCRYPTION, type KeyEncryption, type Sealed } from './key-encryption.js';
import { issuerSecretTable, signingKeyTable, type SigningKeyRow } from './signing-keys.tables.js';

/** The key under which client secrets are digested. */
export const CLIENT_SECRET_KEY = 'client-secret-digest';

const contextOf = (kid: string): string => `signing key ${kid}`;
const secretContext = (name: string): string => `issuer secret ${name}`;

interface KeyTimes {
  readonly now: Date;
  readonly usableFrom: Date;
}

/** The signing keys and the issuer's own secrets in the database, encrypted. */
@Injectable()
export class SigningKeysStore {
  constructor(@Inject(KEY_ENCRYPTION) private readonly encryption: KeyEncryption) {}

  /** Newest first, removed ones too. */
  all(executor: Database | Transaction): Promise<SigningKeyRow[]> {
    return executor.select().from(signingKeyTable).orderBy(desc(signingKeyTable.createdAt)).limit(200);
  }

  /** Makes a key. */
  async create(
    transaction: Transaction,
    algorithm: Algorithm,
    state: 'active' | 'pending',
    times: KeyTimes,
  ): Promise<string> {
    return this.keep(transaction, await generateSigningKey(algorithm), algorithm, state, times);
  }

  /** Keeps a key that there is. */
  async keep(
    transaction: Transaction,
    jwk: PrivateJwk,
    algorithm: Algorithm,
    state: 'active' | 'pending',
    times: KeyTimes,
  ): Promise<string> {
    const { kid } = jwk;
    await transaction.insert(signingKeyTable).values({
      kid,
      algorithm,
      state,
      publicJwk: { ...publicJwkOf(jwk), use: 'sig' },
      privateKey: await this.encryption.seal(Buffer.from(JSON.stringify(jwk)), contextOf(kid)),
      createdAt: times.now,
      usableFrom: times.usableFrom,
      activatedAt: state === 'active' ? times.now : null,
    });
    return kid;
  }

  async activate(transaction: Transaction, kid: string, now: Date): Promise<void> {
    await transaction
      .update(signingKeyTable)
      .set({ state: 'active', activatedAt: now })
      .where(eq(signingKeyTable.kid, kid));
  }

  async retire(transaction: Transaction, kid: string, now: Date): Promise<void> {
    await transaction
      .update(signingKeyTable)
      .set({ state: 'retired', retiredAt: now })
      .where(eq(signingKeyTable.kid, kid));
  }

  /** Takes a key out of the JWKS and forgets its private part. */
  async remove(transaction: Transaction, kid: string, now: Date, revoked: boolean): Promise<void> {
    await transaction
      .update(signingKeyTable)
      .set({ state: 'removed', removedAt: now, privateKey: null, revoked })
      .where(eq(signingKeyTable.kid, kid));
  }

  /** @throws {KeyEncryptionError} */
  async open({ kid, privateKey }: SigningKeyRow): Promise<PrivateJwk> {
    if (privateKey === null) throw new Error(`the key ${kid} is removed`);
    const opened = await this.encryption.open(privateKey, contextOf(kid));
    return privateJwkSchema.parse(JSON.parse(opened.toString('utf8')));
  }

  /** A secret of the issuer's own. @returns nothing before it was made */
  async secret(transaction: Transaction, name: string): Promise<Buffer | undefined> {
    const [known] = await transaction.select().from(issuerSecretTable).where(eq(issuerSecretTable.name, name));
    return known === undefined ? undefined : this.encryption.open(known.sealed, secretContext(name));
  }

  /** Makes a secret of the issuer's own, once. */
  async makeSecret(transaction: Transaction, name: string): Promise<void> {
    const sealed = await this.encryption.seal(randomBytes(32), secretContext(name));
    await transaction.insert(issuerSecretTable).values({ name, sealed }).onConflictDoNothing();
  }

  /** Encrypts anew what an earlier key-encryption key encrypted; after that the earlier one may go. @returns how many */
  async reseal(transaction: Transaction): Promise<number> {
    let resealed = 0;
    const again = async (sealed: Sealed, context: string): Promise<Sealed | undefined> => {
      if (sealed.kek === this.encryption.current) return undefined;
      resealed += 1;
      return this.encryption.seal(await this.encryption.open(sealed, context), context);
    };
    for (const { kid, privateKey: old } of await this.all(transaction)) {
      const privateKey = old === null ? undefined : await again(old, contextOf(kid));
      if (privateKey === undefined) continue;
      await transaction.update(signingKeyTable).set({ privateKey }).where(eq(signingKeyTable.kid, kid));
    }
    for (const { name, sealed: old } of await transaction.select().from(issuerSecretTable)) {
      const sealed = await again(old, secretContext(name));
      if (sealed === undefined) continue;
      await transaction.update(issuerSecretTable).set({ sealed }).where(eq(issuerSecretTable.name, name));
    }
    return resealed;
  }
}
