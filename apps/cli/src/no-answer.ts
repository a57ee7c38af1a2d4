import { reasonOf as wholeReasonOf } from '@countersign/auth-core';
import { CliError, ExitCode } from './cli-error.js';

/** What a failed request says of its reason, `connect ECONNREFUSED 127.0.0.1:4000`: fetch has it in the cause. */
export const reasonOf = (error: unknown): string =>
  wholeReasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);

/** A service that does not answer. */
export function unreachable(name: string, url: string, error: unknown): CliError {
  return new CliError(
    ExitCode.unreachable,
    'UNREACHABLE',
    `${name} at ${url} does not answer (${reasonOf(error)})`,
    'Is it running? npm start brings up the local stack.',
  );
}

/** The whole of an answer. @throws {CliError} `UNREACHABLE` when it breaks off */
export async function textOf(response: Response, name: string): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw unreachable(name, response.url, error);
  }
}
