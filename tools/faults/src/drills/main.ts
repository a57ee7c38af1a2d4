// `npm run drill -- restore`: what the operations guide says about backups, done with real processes under load.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePortBase, shortTimes, startStack, wordsFor } from '@countersign/stack';
import { Argument, Command } from 'commander';
import { restoreDrill, type DrillReport } from './restore.js';

const root = resolve(fileURLToPath(new URL('../../../..', import.meta.url)));

async function drill(seed: number, say: (line: string) => void): Promise<DrillReport> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-drill-'));
  const stack = await startStack({
    root,
    directory,
    portBase: await freePortBase(),
    without: [],
    onStep: () => undefined,
    onLine: () => undefined,
    environment: shortTimes,
  });
  process.once('SIGINT', () => void stack.stop().finally(() => process.exit(130)));
  try {
    return await restoreDrill(stack, seed, say);
  } finally {
    await stack.stop();
    for (const folder of [directory, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }
}

const program = new Command('npm run drill --')
  .description(
    'Copies the databases of payments and accounts under load, restores them, and repairs what lies between.',
  )
  .addArgument(new Argument('<drill>', 'which').choices(['restore']))
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false)
  .action(async (_name: string, { json }: { readonly json: boolean }) => {
    const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
    try {
      const report = await drill(Date.now() % 2 ** 31, say);
      const ok = report.wrong.length === 0;
      if (json) process.stdout.write(`${JSON.stringify({ ok, ...report })}\n`);
      else say(ok ? 'The drill held.' : `BROKEN\n  ${report.wrong.slice(0, 10).join('\n  ')}`);
      process.exitCode = ok ? 0 : 1;
    } catch (error) {
      process.stderr.write(`\n${wordsFor(error)}\n`);
      if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: wordsFor(error) })}\n`);
      process.exitCode = 1;
    }
  });
await program.parseAsync();
