import { spawn } from 'node:child_process';

export interface Ran {
  readonly ok: boolean;
  /** What it printed, on either stream; its end, where that is long. */
  readonly output: string;
}

const OUTPUT_LIMIT = 20_000;

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Put in front of `PATH`. */
  readonly bin?: string;
  readonly timeoutMs?: number;
}

/** Runs a program to its end, or to the end of its time. */
export function run(
  program: string,
  given: readonly string[],
  { cwd, env = {}, bin, timeoutMs = 300_000 }: CommandOptions,
): Promise<Ran> {
  return new Promise((resolve) => {
    const path = bin === undefined ? process.env['PATH'] : `${bin}:${process.env['PATH'] ?? ''}`;
    const child = spawn(program, given, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...env, ...(path === undefined ? {} : { PATH: path }) },
      timeout: timeoutMs,
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      resolve({ ok: false, output: `${output}${error.message}` });
    });
    child.on('close', (code) => {
      resolve({ ok: code === 0, output });
    });
  });
}

/** @throws {Error} with what it printed, when it fails */
export async function must(program: string, given: readonly string[], options: CommandOptions): Promise<string> {
  const { ok, output } = await run(program, given, options);
  if (!ok) throw new Error(`${program} ${given.join(' ')} failed in ${options.cwd}:\n${output}`);
  return output;
}

const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

export const install = (cwd: string): Promise<string> => must('npm', INSTALL, { cwd, timeoutMs: 600_000 });

/** Work in order of arrival, so much of it at a time. */
export async function each<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
