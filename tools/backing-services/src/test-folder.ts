import { accessSync, constants, mkdtempSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Linux keeps files in memory; everybody may make folders there. */
export const MEMORY = '/dev/shm';

/** Bytes that must be free there: what specs that run at once have in it, many times over. */
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

/**
 * A new folder for data that nobody needs after a test, in memory where there is plenty: a database is 300 files, and ext4 searches long for an
 * inode that was not deleted in the last minute.
 */
export const testFolder = (): string => mkdtempSync(join(memoryIsPlenty() ? MEMORY : tmpdir(), 'countersign-'));
