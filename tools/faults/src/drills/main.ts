// `npm run drill -- restore`: the operations guide's backup procedures, with real processes under load.
import { shortTimes, wordsFor } from '@countersign/stack';
import { Argument, Command } from 'commander';
import { withOwnStack } from '../own-stack.js';
import { restoreDrill } from './restore.js';

const program = new Command('npm run drill --')
  .description(
    'Starts a separate stack, copies the databases of payments and accounts under load, restores them, and repairs the differences.',
  )
  .addArgument(new Argument('<drill>', 'which').choices(['restore']))
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false)
  .action(async (_name: string, { json }: { readonly json: boolean }) => {
    const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
    try {
      const report = await withOwnStack({ environment: shortTimes }, (stack) =>
        restoreDrill(stack, Date.now() % 2 ** 31, say),
      );
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
