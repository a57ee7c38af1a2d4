import { generateSigningKey, publicJwkOf, type Algorithm, type PrivateJwk } from '@countersign/auth-core';
import { type KeyPurpose } from '@countersign/auth-core/jws';
import { privateJwkSchema, type Database, type Transaction } from '@countersign/service-host';
import { desc, eq } from 'drizzle-orm';
import { type KeyEncryption } from './key-encryption.js';
import { type KeyTable, type SigningKeyRow } from './signing-keys.tables.js';

interface KeyTimes {
  readonly now: Date;
  readonly usableFrom: Date;
}

/** The purpose of a store's keys. */
export interface KeyStoreOptions {
  readonly table: KeyTable;
  readonly purpose: KeyPurpose;
  /** The context of a private key, bound to its encryption. */
  readonly contextOf: (kid: string) => string;
}

/** The keys of one purpose in the database, encrypted. */
export class KeysStore {
  constructor(
    protected readonly encryption: KeyEncryption,
    private readonly options: KeyStoreOptions,
  ) {}

  /** Newest first, removed ones too. */
  all(executor: Database | Transaction): Promise<SigningKeyRow[]> {
    return executor.select().from(this.options.table).orderBy(desc(this.options.table.createdAt)).limit(200);
  }

  /** Creates a key. */
  async create(
    transaction: Transaction,
    algorithm: Algorithm,
    state: 'active' | 'pending',
    times: KeyTimes,
  ): Promise<string> {
    return this.keep(transaction, await generateSigningKey(algorithm), algorithm, state, times);
  }

  /** Stores changes of an existing key. */
  async keep(
    transaction: Transaction,
    jwk: PrivateJwk,
    algorithm: Algorithm,
    state: 'active' | 'pending',
    times: KeyTimes,
  ): Promise<string> {
    const { kid } = jwk;
    await transaction.insert(this.options.table).values({
      kid,
      algorithm,
      state,
      publicJwk: { ...publicJwkOf(jwk), use: this.options.purpose },
      privateKey: await this.encryption.seal(Buffer.from(JSON.stringify(jwk)), this.options.contextOf(kid)),
      createdAt: times.now,
      usableFrom: times.usableFrom,
      activatedAt: state === 'active' ? times.now : null,
    });
    return kid;
  }

  async activate(transaction: Transaction, kid: string, now: Date): Promise<void> {
    await transaction
      .update(this.options.table)
      .set({ state: 'active', activatedAt: now })
      .where(eq(this.options.table.kid, kid));
  }

  async retire(transaction: Transaction, kid: string, now: Date): Promise<void> {
    await transaction
      .update(this.options.table)
      .set({ state: 'retired', retiredAt: now })
      .where(eq(this.options.table.kid, kid));
  }

  /** Removes a key from the JWKS and deletes its private part. */
  async remove(transaction: Transaction, kid: string, now: Date, revoked: boolean): Promise<void> {
    await transaction
      .update(this.options.table)
      .set({ state: 'removed', removedAt: now, privateKey: null, revoked })
      .where(eq(this.options.table.kid, kid));
  }

  /** @throws {KeyEncryptionError} */
  async open({ kid, privateKey }: SigningKeyRow): Promise<PrivateJwk> {
    if (privateKey === null) throw new Error(`the key ${kid} is removed`);
    const opened = await this.encryption.open(privateKey, this.options.contextOf(kid));
    return privateJwkSchema.parse(JSON.parse(opened.toString('utf8')));
  }

  /** Re-encrypts what an earlier key-encryption key encrypted. @returns how many */
  async reseal(transaction: Transaction): Promise<number> {
    const { table, contextOf } = this.options;
    let resealed = 0;
    for (const { kid, privateKey } of await this.all(transaction)) {
      if (privateKey === null || privateKey.kek === this.encryption.current) continue;
      const context = contextOf(kid);
      const again = await this.encryption.seal(await this.encryption.open(privateKey, context), context);
      await transaction.update(table).set({ privateKey: again }).where(eq(table.kid, kid));
      resealed += 1;
    }
    return resealed;
  }
}
