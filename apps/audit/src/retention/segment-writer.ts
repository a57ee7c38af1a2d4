import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/**
 * Writes lines as a compressed file that is either whole and on the disk, or not there.
 * @returns the file's SHA-256, read back from the disk
 */
export async function writeSegment(directory: string, name: string, lines: AsyncIterable<string>): Promise<Buffer> {
  const path = join(directory, name);
  const draft = `${path}.${String(process.pid)}.part`;
  await pipeline(Readable.from(lines), createGzip(), createWriteStream(draft, { mode: 0o400 }));
  await sync(draft);
  await rename(draft, path);
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
