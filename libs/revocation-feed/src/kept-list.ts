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

/** Bytes that a kept list may have: a full bucket's twice. */
const SIZE_LIMIT = 128 * 1024 ** 2;

/**
 * Keeps the list through a restart. Everything in it is signed, and so is what the whole of it is: anyone who can write the file can make it
 * useless, but neither add nor leave out an entry; how old it may be is for the reader to decide.
 */
export class KeptList {
  constructor(
    private readonly path: string,
    private readonly issuer: string,
  ) {}

  /** Replaces the file in one step: a reader, or a crash, meets the old list or the new one. */
  async write(held: HeldList): Promise<void> {
    const { digest, entries } = held.texts;
    const next = `${this.path}.${randomUUID()}`;
    try {
      const content = JSON.stringify({ issuer: this.issuer, digest, entries: Object.fromEntries(entries) });
      await writeFile(next, content, { mode: 0o600, flag: 'wx', flush: true });
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      // By the name of the file that is meant: the one beside it has another name each time.
      if (error instanceof Error) error.message = error.message.replaceAll(next, this.path);
      throw error;
    }
  }

  /**
   * Reads the file into a list.
   * @returns whether it held all that its statement says
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
