import { messageOf } from '@countersign/auth-core';
import { CommanderError } from 'commander';
import { CheckFailed, CliError, ExitCode } from './cli-error.js';
import { keyIdsLast } from './key-id-arguments.js';
import { printFailure } from './output.js';
import { createProgram } from './program.js';

function unexpected(error: unknown): CliError {
  const debug = process.env['COUNTERSIGN_DEBUG'] === '1';
  const message = messageOf(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const hint = debug ? stack : 'This is a bug in the command itself. Set COUNTERSIGN_DEBUG=1 to see where it happened.';
  return new CliError(ExitCode.refused, 'INTERNAL', message, hint);
}

/**
 * Runs one command line, and prints its outcome.
 * @param args the arguments after the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    const program = createProgram();
    await program.parseAsync(keyIdsLast(args, program), { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    if (error instanceof CheckFailed) return error.exitCode;
    const failure = error instanceof CliError ? error : unexpected(error);
    printFailure(failure, args.includes('--json'));
    return failure.exitCode;
  }
}
