import { spawn } from 'node:child_process';
import { CannotBeHad } from './outcome.js';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds, five minutes by default. */
  readonly timeoutMs?: number;
}

const OUTPUT_LIMIT = 100_000;

/**
 * Runs a program to its end.
 * @throws {CannotBeHad} when there is no such program
 */
export function run(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ readonly ok: boolean; readonly output: string }> {
  const { cwd, env = {}, input = '', timeoutMs = 300_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => {
      reject(new CannotBeHad(`${file}: ${error.message}`));
    });
    child.once('close', (code) => {
      resolve({ ok: code === 0, output: output.trim() });
    });
    // A program that ends early does not read all of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Like {@link run}, for what must work before there is anything to try. @throws {CannotBeHad} with the last lines of what it said */
export async function prepared(file: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { ok, output } = await run(file, args, options);
  if (ok) return output;
  throw new CannotBeHad(`${file} ${args.join(' ')}: ${output.split('\n').slice(-3).join(' ')}`);
}
