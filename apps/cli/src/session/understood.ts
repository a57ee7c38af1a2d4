import { z } from 'zod';
import { ExitCode, OutcomeUnknown } from '../cli-error.js';

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses a service's JSON with a schema. @throws {CliError} `ANSWER_INVALID` */
export function understood<Schema extends z.ZodType>(service: string, schema: Schema, text: string): z.infer<Schema> {
  const answer = schema.safeParse(jsonOf(text));
  if (answer.success) return answer.data;
  throw new OutcomeUnknown(
    ExitCode.refused,
    'ANSWER_INVALID',
    `${service} sent a response that this version does not understand: ${z.prettifyError(answer.error)}`,
  );
}
