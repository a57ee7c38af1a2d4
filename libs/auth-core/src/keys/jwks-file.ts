import { randomUUID } from 'node:crypto';
import { isObject, parseJsonObject } from '../json-object.js';
import { JWKS_SIZE_LIMIT } from './jwks-document.js';

/** A key set as it was last fetched. */
export interface StoredJwks {
  /** The name of its source: the set's URL, or that of the issuer's metadata. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
  readonly etag: string | undefined;
  /** The document itself. */
  readonly jwks: Buffer;
}

/** Loaded only if a file is configured: the rest runs without a file system, and starts sooner. */
const files = () => import('node:fs/promises');

/** Write permission for anyone but the owner. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Keeps the last good key set across a restart. Anyone who can write the file can make us trust keys, so it is written for its owner only (0600), and
 * a file that others can write is not read.
 */
export class JwksFile {
  constructor(private readonly path: string) {}

  /** Replaces the file atomically: after a crash, and to readers, it is either the old set or the new one. */
  async write({ url, fetchedAt, etag, jwks }: StoredJwks): Promise<void> {
    const { rename, rm, writeFile } = await files();
    const next = `${this.path}.${randomUUID()}`;
    try {
      const text = JSON.stringify({ url, fetched_at: fetchedAt, etag, jwks: jwks.toString('utf8') });
      await writeFile(next, text, { mode: 0o600, flag: 'wx', flush: true });
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      // The message names the real file: the temporary one has a different name each time.
      if (error instanceof Error) error.message = error.message.replaceAll(next, this.path);
      throw error;
    }
  }

  /**
   * @param url the set's URL: a set from another URL is not used
   * @returns undefined when there is no such file
   * @throws {Error} when the file cannot be trusted or parsed
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
      if ((mode & OTHERS_MAY_WRITE) !== 0) throw new Error(`${this.path} must be writable only by its owner`);
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
