import { CommanderError } from 'commander';
import { CliError, ExitCode } from './cli-error.js';
import { endQuietly } from './ending.js';
import { printFailure } from './output.js';
import { createProgram } from './program.js';

const json = process.argv.includes('--json');
endQuietly(process);
try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  } else {
    const failure = error instanceof CliError ? error : unexpected(error);
    printFailure(failure, json);
    process.exitCode = failure.exitCode;
  }
}

function unexpected(error: unknown): CliError {
  const debug = process.env['COUNTERSIGN_DEBUG'] === '1';
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const hint = debug ? stack : 'This is a bug in the command itself. Set COUNTERSIGN_DEBUG=1 to see where it happened.';
  return new CliError(ExitCode.refused, 'INTERNAL', message, hint);
}
