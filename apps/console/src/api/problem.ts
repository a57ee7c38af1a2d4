import * as z from 'zod/mini';

const problemSchema = z.object({
  code: z.optional(z.string()),
  title: z.optional(z.string()),
  detail: z.optional(z.string()),
});

/** What the server refused, or why it could not be reached (RFC 9457). */
export class ApiProblem extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Stable, for machines. */
    readonly code: string,
    detail: string,
  ) {
    super(detail);
    this.name = 'ApiProblem';
  }
}

/** Reads a refusal's body, whatever it is. */
export function problemOf(status: number, body: unknown): ApiProblem {
  const { code, detail, title } = z.safeParse(problemSchema, body).data ?? {};
  return new ApiProblem(status, code ?? 'UNKNOWN', detail ?? title ?? `The server answered ${String(status)}.`);
}

/** What a screen shows for an error. */
export type Fault = 'signed-out' | 'no-rights' | 'unknown' | 'refused' | 'away' | 'broken';

/** @returns how an error is to be shown */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof ApiProblem)) return 'broken';
  const { status, code } = error;
  if (status === 401) return 'signed-out';
  if (status === 403) return 'no-rights';
  if (status === 404) return 'unknown';
  if (status === 0 || status >= 500 || status === 429) return 'away';
  return code === 'ANSWER_UNREADABLE' ? 'broken' : 'refused';
}
