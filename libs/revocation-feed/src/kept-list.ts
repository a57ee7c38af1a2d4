import { randomUUID } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { DIGEST_KEY } from './bucket-reader.js';
import { type HeldList } from './held-list.js';

const keptSchema = z.object({
  issuer: z.string(),
  digest: z.string(),
  entries: z.record(z.string(), z.string()),
});

/** Maximum bytes of a stored list: twice those of a full bucket. */
const SIZE_LIMIT = 128 * 1024 ** 2;

/**
 * Keeps the list across a restart. Everything in it is signed, including the statement of the whole: anyone who can write the file can make it
 * useless, but neither add nor omit an entry; the reader decides how old it may be.
 */
export class KeptList {
  constructor(
    private readonly path: string,
    private readonly issuer: string,
  ) {}

  /** Replaces the file atomically: after a crash, and to readers, it is either the old list or the new one. */
  async write(held: HeldList): Promise<void> {
    const { digest, entries } = held.texts;
    const next = `${this.path}.${randomUUID()}`;
    try {
      const content = JSON.stringify({ issuer: this.issuer, digest, entries: Object.fromEntries(entries) });
      await writeFile(next, content, { mode: 0o600, flag: 'wx', flush: true });
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      // The message names the real file: the temporary one has a different name each time.
      if (error instanceof Error) error.message = error.message.replaceAll(next, this.path);
      throw error;
    }
  }

  /**
   * Reads the file into a list.
   * @returns whether it contained everything in its statement
   * @throws what is wrong with the file or an entry of it
   */
  async read(held: HeldList): Promise<boolean> {
    const file = await open(this.path, 'r').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (file === undefined) return false;
    try {
      if ((await file.stat()).size > SIZE_LIMIT) throw new Error(`${this.path} is too large`);
      const { issuer, digest, entries } = keptSchema.parse(JSON.parse(await file.readFile('utf8')));
      if (issuer !== this.issuer) return false;
      for (const [key, text] of Object.entries(entries)) held.take(key, text);
      held.take(DIGEST_KEY, digest);
      return held.isComplete;
    } finally {
      await file.close();
    }
  }
}
