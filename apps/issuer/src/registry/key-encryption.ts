import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';

export const KEY_ENCRYPTION = Symbol('countersign.issuer.key-encryption');

export const sealedSchema = z.strictObject({
  /** Which key-encryption key. */
  kek: z.string().min(1),
  /** The encrypted secret, base64url, in a format that only the implementation knows. */
  ciphertext: z.string().min(1),
});
/** A secret as stored in the database. */
export type Sealed = z.infer<typeof sealedSchema>;

/**
 * Encrypts what must not be stored in plain text. The calls are asynchronous so that a KMS can implement them: it gets at most 2 KiB per call and is
 * called at startup and when keys change, never for a token.
 */
export interface KeyEncryption {
  /** The key that encrypts; what other keys encrypted is re-encrypted at startup. */
  readonly current: string;
  /** @param context the secret's purpose, which is bound to it: sealed for one purpose, it does not open for another */
  seal(secret: Buffer, context: string): Promise<Sealed>;
  /** @throws {KeyEncryptionError} */
  open(sealed: Sealed, context: string): Promise<Buffer>;
}

export class KeyEncryptionError extends Error {
  constructor(
    readonly code: 'KEK_UNKNOWN' | 'CIPHERTEXT_INVALID',
    message: string,
  ) {
    super(message);
    this.name = 'KeyEncryptionError';
  }
}

const keyPattern = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9_-]{43})$/;

/** `id:key` pairs, separated by commas or white space, each key 32 bytes in base64url: the first one encrypts, all decrypt. */
export const keyEncryptionKeysSchema = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))
  .pipe(z.array(z.string().regex(keyPattern, 'must be id:key, where the key is 32 bytes in base64url')).min(1).max(8))
  .transform((parts) => {
    const pairs = parts.map((part) => keyPattern.exec(part) ?? []);
    return pairs.map(([, id = '', key = '']) => ({ id, key: Buffer.from(key, 'base64url') }));
  })
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'each id once');

const IV_SIZE = 12;
const TAG_SIZE = 16;

/** AES-256-GCM under keys that this process holds: from a file or the environment. */
export class LocalKeyEncryption implements KeyEncryption {
  readonly current: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** @param keys the first one encrypts, all decrypt */
  constructor(
    keys: readonly { readonly id: string; readonly key: Buffer }[],
    private readonly random: (size: number) => Buffer = randomBytes,
  ) {
    const [first] = keys;
    if (first === undefined) throw new RangeError('a key-encryption key is required');
    this.current = first.id;
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  seal(secret: Buffer, context: string): Promise<Sealed> {
    const iv = this.random(IV_SIZE);
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(this.current), iv);
    cipher.setAAD(Buffer.from(`${this.current}\n${context}`));
    const bytes = Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    return Promise.resolve({ kek: this.current, ciphertext: bytes.toString('base64url') });
  }

  open({ kek, ciphertext }: Sealed, context: string): Promise<Buffer> {
    try {
      const bytes = Buffer.from(ciphertext, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(kek), bytes.subarray(0, IV_SIZE));
      decipher.setAAD(Buffer.from(`${kek}\n${context}`));
      decipher.setAuthTag(bytes.subarray(-TAG_SIZE));
      const secret = Buffer.concat([decipher.update(bytes.subarray(IV_SIZE, -TAG_SIZE)), decipher.final()]);
      return Promise.resolve(secret);
    } catch (error) {
      if (error instanceof KeyEncryptionError) return Promise.reject(error);
      return Promise.reject(new KeyEncryptionError('CIPHERTEXT_INVALID', `${context} cannot be decrypted`));
    }
  }

  #keyOf(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key !== undefined) return key;
    throw new KeyEncryptionError('KEK_UNKNOWN', `the key-encryption key ${id} is not configured`);
  }
}
