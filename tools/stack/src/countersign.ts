import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Stack } from './stack.js';

/** How a run of the command ended, and what it printed. */
export interface CommandRun {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

/** Runs the command `countersign` on this stack, as an operator does. @throws when it cannot be started */
export async function countersign({ root, directory }: Stack, ...args: readonly string[]): Promise<CommandRun> {
  const program = join(root, 'apps/cli/bin/countersign.mjs');
  const child = spawn(process.execPath, [program, '--stack', directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [code, out, said] = await Promise.all([
    new Promise<number | null>((done, fail) => {
      child.once('close', done).once('error', fail);
    }),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, out, said };
}
