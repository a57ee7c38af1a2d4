import { reasonOf as wholeReasonOf } from '@countersign/auth-core';
import { CliError, ExitCode, OutcomeUnknown } from './cli-error.js';

/** What a failed request says of its reason, `connect ECONNREFUSED 127.0.0.1:4000`: fetch has it in the cause. */
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

/** As {@link unreachable}, of a service that may have got the request. */
export const answerLost = (name: string, url: string, error: unknown): OutcomeUnknown =>
  new OutcomeUnknown(...unanswered(name, url, error));

/** The whole of an answer. @throws {CliError} `UNREACHABLE` when it breaks off */
export async function textOf(response: Response, name: string): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw answerLost(name, response.url, error);
  }
}
