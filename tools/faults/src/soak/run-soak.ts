import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePortBase, startStack, type StackOptions } from '@countersign/stack';
import { Soak, type SoakOptions, type SoakReport } from './soak.js';

const root = resolve(fileURLToPath(new URL('../../../..', import.meta.url)));
/** What a relay has handed over is gone at once: the soak is about what must not grow. */
const forgetAtOnce = { OUTBOX_KEEP_HOURS: '0', LOG_LEVEL: 'warn' };

/** Variables of a stack whose stream holds at most this many mebibytes. */
export function soakEnvironment(streamMib: number): NonNullable<StackOptions['environment']> {
  return {
    payments: forgetAtOnce,
    accounts: forgetAtOnce,
    audit: { ...forgetAtOnce, STREAM_MAX_MIB: String(streamMib) },
  };
}

/** Starts a stack of its own in a folder that is removed afterwards, and sends the events through it. */
export async function runSoak(options: SoakOptions, told: (line: string) => void): Promise<SoakReport> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-soak-'));
  const stack = await startStack({
    root,
    directory,
    portBase: await freePortBase(),
    without: [],
    onStep: () => undefined,
    onLine: () => undefined,
    environment: soakEnvironment(options.streamMib),
  });
  process.once('SIGINT', () => void stack.stop().finally(() => process.exit(130)));
  try {
    return await new Soak(stack, options, told).run();
  } finally {
    await stack.stop();
    for (const folder of [directory, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }
}
