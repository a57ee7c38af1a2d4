import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { codeOf, takeLock } from './lock.js';
import { privateJwkSchema } from './private-jwk.js';

/** Milliseconds that a command waits for another one that uses the same login. */
const LOCK_PATIENCE_MS = 20_000;

const keptSchema = z.strictObject({
  issuer: z.string(),
  /** The service that its access tokens are for; `issuer` if they only identify the person. */
  audience: z.string(),
  client_id: z.string(),
  /** To which the tokens are bound (RFC 9449). */
  key: privateJwkSchema,
  refresh_token: z.string(),
  scope: z.string(),
});
/** A person's login at one issuer, for one service. */
export type KeptLogin = z.infer<typeof keptSchema>;

/** The folder of logins: `COUNTERSIGN_LOGIN_FOLDER`, else `countersign` in the system's configuration folder. */
export function loginFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { COUNTERSIGN_LOGIN_FOLDER: own, XDG_CONFIG_HOME: xdg } = environment;
  return own ?? join(xdg ?? join(homedir(), '.config'), 'countersign');
}

/** If no service is named: who the person is, and what they may do at the issuer. */
const IDENTITY = 'issuer';
const nameOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

function unwritable(error: unknown): CliError {
  const hint = 'Set COUNTERSIGN_LOGIN_FOLDER to a folder that only you can write to.';
  return new CliError(ExitCode.usage, 'LOGIN_UNWRITABLE', `the login cannot be stored: ${messageOf(error)}`, hint);
}

function unreadable(path: string, error: unknown): CliError {
  const hint = 'Set COUNTERSIGN_LOGIN_FOLDER to your own folder, or delete this and log in again.';
  return new CliError(ExitCode.usage, 'LOGIN_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, hint);
}

async function readLogin(path: string): Promise<KeptLogin | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    // Windows has no such modes; its files are in the person's own profile.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const hint = `Anyone who could read it may have used it: revoke the application's access on your account page, delete the file, and log in again.`;
      throw new CliError(ExitCode.usage, 'LOGIN_EXPOSED', `${path} can be read by others`, hint);
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error instanceof CliError ? error : unreadable(path, error);
  }
  try {
    return keptSchema.parse(JSON.parse(text));
  } catch {
    const hint = 'Delete the file and log in again.';
    throw new CliError(ExitCode.usage, 'LOGIN_UNREADABLE', `${path} is not a login of this version`, hint);
  }
}

/** The login at an issuer for one service, in a file that only its owner may read. */
export class LoginFile {
  readonly path: string;

  constructor(
    issuer: string,
    readonly audience: string = IDENTITY,
    private readonly folder = loginFolder(),
  ) {
    this.path = join(folder, `login-${nameOf(issuer)}-${nameOf(audience)}.json`);
  }

  /** All stored logins at an issuer, by service. */
  static async all(issuer: string, folder = loginFolder()): Promise<readonly LoginFile[]> {
    const files = await readdir(folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw unreadable(folder, error);
    });
    const found: LoginFile[] = [];
    for (const file of files.filter((name) => name.startsWith(`login-${nameOf(issuer)}-`) && name.endsWith('.json'))) {
      const login = await readLogin(join(folder, file));
      if (login?.issuer === issuer) found.push(new LoginFile(issuer, login.audience, folder));
    }
    return found.sort((one, other) => one.audience.localeCompare(other.audience));
  }

  /** @throws {CliError} `LOGIN_EXPOSED` if others may read it, `LOGIN_UNREADABLE` */
  read(): Promise<KeptLogin | undefined> {
    return readLogin(this.path);
  }

  /** Writes it atomically. @throws {CliError} `LOGIN_UNWRITABLE` */
  async write(login: KeptLogin): Promise<void> {
    await this.#makeFolder();
    const beside = `${this.path}.${randomUUID()}.part`;
    try {
      await writeFile(beside, JSON.stringify(login), { mode: 0o600, flag: 'wx', flush: true });
      await rename(beside, this.path);
    } catch (error) {
      throw unwritable(error);
    } finally {
      await rm(beside, { force: true });
    }
  }

  /** @throws {CliError} `LOGIN_UNWRITABLE` */
  async #makeFolder(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unwritable(error);
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** Runs while no other command uses this login: a refresh token works once. @throws {CliError} `LOGIN_LOCKED`, `LOGIN_UNWRITABLE` */
  async locked<Result>(act: () => Promise<Result>, patienceMs = LOCK_PATIENCE_MS): Promise<Result> {
    await this.#makeFolder();
    const release = await takeLock(`${this.path}.lock`, patienceMs).catch((error: unknown) => {
      throw error instanceof CliError ? error : unwritable(error);
    });
    try {
      return await act();
    } finally {
      release();
    }
  }
}
