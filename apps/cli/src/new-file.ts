import { randomUUID } from 'node:crypto';
import { rmSync, type Stats } from 'node:fs';
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import { messageOf } from '@countersign/auth-core';
import { Option } from 'commander';
import { CliError, ExitCode } from './cli-error.js';

/** Half-written files: whatever ends the process removes them. */
const unfinished = new Set<string>();
process.on('exit', () => {
  for (const path of unfinished) rmSync(path, { force: true });
});

export const forceOption = (): Option =>
  new Option('--force', 'overwrite an existing file').default(false, 'existing files are kept');

function codeOf(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

const fault = (code: string, message: string, hint: string): CliError =>
  new CliError(ExitCode.usage, code, message, hint);

const exists = (path: string, mayForce: boolean): CliError =>
  fault(
    'FILE_EXISTS',
    `${path} already exists`,
    mayForce ? 'Choose another file, or add --force to overwrite it.' : 'Choose another file.',
  );

function unwritable(path: string, error: unknown): CliError {
  const reason = messageOf(error);
  return fault(
    'FILE_UNWRITABLE',
    `${path} cannot be written: ${reason}`,
    'Choose a file in a directory that you can write to.',
  );
}

async function find(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw unwritable(path, error);
  }
}

/**
 * A file to be kept: written next to its final place and moved there complete, for its owner only. An existing one is evidence,
 * so it is left alone unless the caller says otherwise. Created before any service is asked, so that no request is wasted.
 */
export class NewFile {
  #closed = false;

  private constructor(
    readonly path: string,
    private readonly force: boolean | undefined,
    private readonly beside: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * @param force whether it may take the place of another file; undefined where the command has no such option
   * @throws {CliError} exit code 2: `FILE_EXISTS`, `FOLDER_MISSING`, `FILE_UNWRITABLE`
   */
  static async create(path: string, { force }: { readonly force?: boolean }): Promise<NewFile> {
    const folder = dirname(path);
    const [place, around] = [await find(path), await find(folder)];
    if (place?.isDirectory() === true) throw fault('FILE_UNWRITABLE', `${path} is a directory`, 'Choose a file in it.');
    if (place !== undefined && force !== true) throw exists(path, force !== undefined);
    // It would be replaced for everybody, such as /dev/null.
    if (place?.isFile() === false) throw fault('FILE_UNWRITABLE', `${path} is a device or a pipe`, 'Choose a file.');
    if (around?.isDirectory() !== true) {
      throw fault(
        'FOLDER_MISSING',
        `the directory ${folder} does not exist`,
        'Create it first, or choose another one.',
      );
    }
    const beside = join(folder, `.${basename(path)}.${randomUUID()}.part`);
    try {
      const handle = await open(beside, 'wx', 0o600);
      unfinished.add(beside);
      return new NewFile(path, force, beside, handle);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  async write(data: Uint8Array | string): Promise<void> {
    try {
      await this.handle.appendFile(data);
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  /** Moves the file to its place. @throws {CliError} `FILE_EXISTS` if another one was created there in the meantime */
  async commit(): Promise<void> {
    try {
      await this.#close();
      if (this.force === true) await rename(this.beside, this.path);
      else await this.#putNew();
      unfinished.delete(this.beside);
    } catch (error) {
      throw error instanceof CliError ? error : unwritable(this.path, error);
    }
  }

  /** Leaves nothing of it. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.beside, { force: true });
    unfinished.delete(this.beside);
  }

  /** Keeps the part of a truncated file. @returns its path */
  async keepUnfinished(): Promise<string> {
    await this.#close();
    unfinished.delete(this.beside);
    return this.beside;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.handle.sync();
    await this.handle.close();
  }

  /** Creating a link never replaces an existing file; not every file system has links. */
  async #putNew(): Promise<void> {
    try {
      await link(this.beside, this.path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || (await find(this.path)) !== undefined)
        throw exists(this.path, this.force !== undefined);
      await rename(this.beside, this.path);
      return;
    }
    await rm(this.beside);
  }
}
