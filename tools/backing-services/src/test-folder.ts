import { accessSync, chmodSync, constants, mkdtempSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Linux keeps files in memory; everybody may make folders there. */
export const MEMORY = '/dev/shm';

/** Bytes that must be free there: many times what concurrent specs store in it. */
const PLENTY = 4 * 2 ** 30;

function memoryIsPlenty(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, freemem()) >= PLENTY;
  } catch {
    return false;
  }
}

/** Where to make folders in memory: in the run's own temporary folder if it is there, which is removed at the run's end whatever a test forgot. */
export const folderInMemory = (): string => (tmpdir().startsWith(`${MEMORY}/`) ? tmpdir() : MEMORY);

/**
 * A new folder for data that nobody needs after a test, in memory where there is plenty: a database is 300 files, and ext4 searches long for an
 * inode that was not deleted in the last minute. PostgreSQL's user can reach what is in it.
 */
export function testFolder(): string {
  const made = mkdtempSync(join(memoryIsPlenty() ? folderInMemory() : tmpdir(), 'countersign-'));
  chmodSync(made, 0o711);
  return made;
}
