import { CommanderError } from 'commander';
import { CliError, ExitCode } from './cli-error.js';
import { printFailure } from './output.js';
import { createProgram } from './program.js';

const json = process.argv.includes('--json');
// A reader that has seen enough (| head) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.ok);
  throw error;
});
try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  } else {
    const failure =
      error instanceof CliError
        ? error
        : new CliError(
            ExitCode.refused,
            'INTERNAL',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          );
    printFailure(failure, json);
    process.exitCode = failure.exitCode;
  }
}
