import { randomUUID } from 'node:crypto';
import { isObject, parseJsonObject } from '../json-object.js';
import { JWKS_SIZE_LIMIT } from './jwks-document.js';

/** A key set as it was last fetched. */
export interface StoredJwks {
  /** What its source is called: the set's address, or that of the issuer's metadata. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
  readonly etag: string | undefined;
  /** The document itself. */
  readonly jwks: Buffer;
}

/** Loaded by who keeps a file: the rest runs where there are none, and starts sooner. */
const files = () => import('node:fs/promises');

/** Write permission for others than the owner. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Keeps the last good key set through a restart. Anyone who can write the file can make keys be trusted, so it is written for its owner only
 * (0600), and one that others may write is not read.
 */
export class JwksFile {
  constructor(private readonly path: string) {}

  /** Replaces the file in one step: a reader, or a crash, meets the old set or the new one. */
  async write({ url, fetchedAt, etag, jwks }: StoredJwks): Promise<void> {
    const { rename, rm, writeFile } = await files();
    const next = `${this.path}.${randomUUID()}`;
    try {
      const text = JSON.stringify({ url, fetched_at: fetchedAt, etag, jwks: jwks.toString('utf8') });
      await writeFile(next, text, { mode: 0o600, flag: 'wx', flush: true });
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
  }

  /**
   * @param url the set's address: one from another address is not used
   * @returns nothing when there is no such file
   * @throws {Error} when the file is not to be trusted or not understood
   */
  async read(url: string): Promise<StoredJwks | undefined> {
    const { open } = await files();
    const file = await open(this.path, 'r').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    try {
      const { mode, size } = await file.stat();
      if ((mode & OTHERS_MAY_WRITE) !== 0) throw new Error(`others than its owner may write ${this.path}`);
      if (size > 2 * JWKS_SIZE_LIMIT) throw new Error(`${this.path} is too large`);
      return storedOf(parseJsonObject(await file.readFile()), url);
    } finally {
      await file.close();
    }
  }
}

function storedOf(content: unknown, url: string): StoredJwks | undefined {
  if (!isObject(content) || content['url'] !== url) return undefined;
  const { fetched_at: fetchedAt, etag, jwks } = content;
  if (typeof fetchedAt !== 'number' || typeof jwks !== 'string') return undefined;
  return { url, fetchedAt, etag: typeof etag === 'string' ? etag : undefined, jwks: Buffer.from(jwks) };
}
