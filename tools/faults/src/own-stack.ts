import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePortBase, startStack, type Stack, type StackOptions } from '@countersign/stack';

export const root = resolve(import.meta.dirname, '../../..');

/** A stack that is stopped, and whose database is removed, when its work ends or Ctrl-C ends the process. */
export interface OwnStackOptions extends Pick<StackOptions, 'environment' | 'demo'> {
  /** Folder of its data, keys and logs; it stays. A temporary one, removed at the end, by default. */
  readonly directory?: string;
}

/** Starts a quiet stack on free ports, does the work, and removes the stack. */
export async function withOwnStack<Result>(
  { directory, ...options }: OwnStackOptions,
  work: (stack: Stack) => Promise<Result>,
): Promise<Result> {
  const folder = directory ?? mkdtempSync(join(tmpdir(), 'countersign-stack-'));
  const stack = await startStack({
    ...options,
    root,
    directory: folder,
    portBase: await freePortBase(),
    without: [],
    onStep: () => undefined,
    onLine: () => undefined,
  });
  const interrupted = (): void => void stack.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    return await work(stack);
  } finally {
    process.removeListener('SIGINT', interrupted);
    await stack.stop();
    const own = directory === undefined ? [folder] : [];
    for (const path of [stack.postgres.directory, ...own]) rmSync(path, { recursive: true, force: true });
  }
}
