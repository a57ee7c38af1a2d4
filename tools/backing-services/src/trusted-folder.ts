import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { reachable, type RunAs } from './run-as.js';
import { folderInMemory, MEMORY } from './test-folder.js';

/** Where everybody may create folders, so nothing is trusted because of its name. */
const SHARED = '/var/tmp';

/** A folder that somebody else created, or can write to, is where ours should be. */
export class UntrustedFolder extends Error {
  readonly code = 'FOLDER_UNTRUSTED';
  constructor(path: string, reason: string) {
    super(`${path} ${reason}, so nothing is kept there. Find out who made it, remove it, and start again.`);
    this.name = 'UntrustedFolder';
  }
}

/** The folder of a random name that had the data is not there: in a new container, or after the system emptied it. */
export class DataGone extends Error {
  readonly code = 'DATA_GONE';
  constructor(path: string) {
    super(
      `PostgreSQL's data were in ${path}, and that folder is gone. Put it back, or start with empty data: npm start -- --reset`,
    );
    this.name = 'DataGone';
  }
}

/**
 * A folder that this user owns and nobody else may write to; a link is never followed.
 * @param path must exist
 * @throws {UntrustedFolder}
 */
export function trustedFolder(path: string): string {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) throw new UntrustedFolder(path, 'is a link');
  if (!found.isDirectory()) throw new UntrustedFolder(path, 'is not a folder');
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user)
    throw new UntrustedFolder(path, `belongs to another user (uid ${String(found.uid)})`);
  if ((found.mode & 0o022) !== 0) throw new UntrustedFolder(path, 'may be written to by others');
  return path;
}

/** The folder's guessable name in earlier versions. */
function guessable(directory: string): string {
  return join(SHARED, `countersign-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`);
}

/** The file in the state folder that says where PostgreSQL's data are when they cannot be there. */
const pointerIn = (directory: string): string => join(directory, 'elsewhere');

function elsewhere(directory: string, known: boolean): string {
  const pointer = pointerIn(directory);
  if (existsSync(pointer)) {
    const remembered = readFileSync(pointer, 'utf8');
    if (!existsSync(remembered)) throw new DataGone(remembered);
    return trustedFolder(remembered);
  }
  const earlier = guessable(directory);
  // Data meant for memory stay there.
  const shared = directory.startsWith(`${MEMORY}/`) ? folderInMemory() : SHARED;
  const made = known && existsSync(earlier) ? trustedFolder(earlier) : mkdtempSync(join(shared, 'countersign-'));
  chmodSync(made, 0o711);
  writeFileSync(`${pointer}.part`, made, { mode: 0o600 });
  renameSync(`${pointer}.part`, pointer);
  return made;
}

/**
 * Where PostgreSQL keeps its data: in the folder given, or, if its user cannot reach that, in a folder with a random
 * name under /var/tmp, or in /dev/shm, which the given folder records.
 * @param user the user that PostgreSQL runs as, if not ourselves
 * @throws {UntrustedFolder} or {DataGone}
 */
export function dataDirectory(directory: string, user: RunAs | undefined): string {
  const own = resolve(directory);
  const known = existsSync(own);
  mkdirSync(own, { recursive: true, mode: 0o711 });
  trustedFolder(own);
  return reachable(own, user) ? own : elsewhere(own, known);
}

/** Removes a stopped server's data, wherever they are. @throws {UntrustedFolder} */
export function removePostgresData(directory: string): void {
  const own = resolve(directory);
  const pointer = pointerIn(own);
  const known = existsSync(pointer) ? readFileSync(pointer, 'utf8') : undefined;
  if (known !== undefined && existsSync(known)) rmSync(trustedFolder(known), { recursive: true, force: true });
  rmSync(own, { recursive: true, force: true });
}
