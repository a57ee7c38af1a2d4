import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from './cli-error.js';
import { NewFile } from './new-file.js';

describe('a file that is kept', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'new-file-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = async (path: string, text: string, force = false): Promise<void> => {
    const file = await NewFile.create(path, { force });
    await file.write(text);
    await file.commit();
  };
  const codeOf = async (promise: Promise<unknown>): Promise<readonly [number, string, string] | undefined> => {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof CliError ? [error.exitCode, error.code, error.message] : undefined;
  };

  it('appears complete, for its owner only', async () => {
    const path = join(folder, 'log.key');
    const file = await NewFile.create(path, { force: false });
    await file.write('one ');
    await file.write(Buffer.from('two'));
    expect(existsSync(path)).toBe(false);
    await file.commit();
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777, readdirSync(folder)]).toEqual([
      'one two',
      0o600,
      ['log.key'],
    ]);
  });

  it('does not overwrite an existing file, unless forced', async () => {
    const path = join(folder, 'log.key');
    writeFileSync(path, 'evidence');
    expect(await codeOf(write(path, 'new'))).toEqual([2, 'FILE_EXISTS', `${path} already exists`]);
    expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['evidence', ['log.key']]);
    await write(path, 'new', true);
    expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['new', ['log.key']]);
  });

  it('never replaces a device or a pipe, and offers --force only if the command has it', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect((await codeOf(write(pipe, '', true)))?.slice(0, 2)).toEqual([2, 'FILE_UNWRITABLE']);
    const path = join(folder, 'client.key');
    writeFileSync(path, 'a key');
    const hintOf = (options: { readonly force?: boolean }): Promise<unknown> =>
      NewFile.create(path, options).catch((error: unknown) => (error instanceof CliError ? error.hint : error));
    expect(await hintOf({})).toBe('Choose another file.');
    expect(await hintOf({ force: false })).toContain('--force');
  });

  it('does not overwrite a file created in the meantime', async () => {
    const path = join(folder, 'log.key');
    const file = await NewFile.create(path, { force: false });
    await file.write('late');
    writeFileSync(path, 'evidence');
    expect((await codeOf(file.commit()))?.[1]).toBe('FILE_EXISTS');
    expect(readFileSync(path, 'utf8')).toBe('evidence');
  });

  it('needs a folder, and says which one is missing', async () => {
    const missing = join(folder, 'no', 'such');
    expect(await codeOf(write(join(missing, 'x'), ''))).toEqual([
      2,
      'FOLDER_MISSING',
      `the directory ${missing} does not exist`,
    ]);
    mkdirSync(join(folder, 'a-folder'));
    expect((await codeOf(write(join(folder, 'a-folder'), '')))?.slice(0, 2)).toEqual([2, 'FILE_UNWRITABLE']);
    writeFileSync(join(folder, 'a-file'), '');
    expect((await codeOf(write(join(folder, 'a-file', 'x'), '')))?.slice(0, 2)).toEqual([2, 'FOLDER_MISSING']);
  });

  it('that was truncated is kept next to its place', async () => {
    const path = join(folder, 'events.ndjson');
    const file = await NewFile.create(path, { force: false });
    await file.write('half');
    const beside = await file.keepUnfinished();
    expect([existsSync(path), readFileSync(beside, 'utf8')]).toEqual([false, 'half']);
  });
});
