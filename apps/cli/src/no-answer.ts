import { reasonOf as wholeReasonOf } from '@countersign/auth-core';
import { CliError, ExitCode, OutcomeUnknown } from './cli-error.js';

/** The reason for a failed request, `connect ECONNREFUSED 127.0.0.1:4000`: fetch has it in the cause. */
export const reasonOf = (error: unknown): string =>
  wholeReasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);

const unanswered = (name: string, url: string, error: unknown) =>
  [
    ExitCode.unreachable,
    'UNREACHABLE',
    `${name} at ${url} does not answer (${reasonOf(error)})`,
    'Is it running? npm start brings up the local stack.',
  ] as const;

/** A service that does not answer. */
export const unreachable = (name: string, url: string, error: unknown): CliError =>
  new CliError(...unanswered(name, url, error));

/** Like {@link unreachable}, for a service that may have received the request. */
export const answerLost = (name: string, url: string, error: unknown): OutcomeUnknown =>
  new OutcomeUnknown(...unanswered(name, url, error));

/** A complete response. @throws {CliError} `UNREACHABLE` if it is cut off */
export async function textOf(response: Response, name: string): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw answerLost(name, response.url, error);
  }
}
