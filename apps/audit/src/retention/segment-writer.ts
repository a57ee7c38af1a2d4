import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const DRAFT = '.part';

/**
 * Writes lines as a compressed file that is either complete and on disk, or absent. One process at a time writes it: the drafts of others, which
 * were killed, are removed.
 * @returns the file's SHA-256, read back from the disk
 */
export async function writeSegment(directory: string, name: string, lines: AsyncIterable<string>): Promise<Buffer> {
  const path = join(directory, name);
  for (const left of await readdir(directory))
    if (left.startsWith(`${name}.`) && left.endsWith(DRAFT)) await rm(join(directory, left), { force: true });
  const draft = `${path}.${randomUUID()}${DRAFT}`;
  try {
    await pipeline(Readable.from(lines), createGzip(), createWriteStream(draft, { mode: 0o400, flags: 'wx' }));
    await sync(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await sync(directory);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest();
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
