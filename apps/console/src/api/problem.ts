import * as z from 'zod/mini';

const problemSchema = z.object({
  code: z.optional(z.string()),
  title: z.optional(z.string()),
  detail: z.optional(z.string()),
});

/** The server's refusal, or why it could not be reached (RFC 9457). */
export class ApiProblem extends Error {
  constructor(
    /** The HTTP status; 0 when there was no response. */
    readonly status: number,
    /** Stable, for machines. */
    readonly code: string,
    detail: string,
    /** The rights that the request needed, if the server refused it for lack of them. */
    readonly needs: readonly string[] = [],
  ) {
    super(detail);
    this.name = 'ApiProblem';
  }
}

/** Reads a refusal's body, whatever it is. @param challenge its `WWW-Authenticate`, which names the scopes that were missing (RFC 6750) */
export function problemOf(status: number, body: unknown, challenge: string | null = null): ApiProblem {
  const { code, detail, title } = z.safeParse(problemSchema, body).data ?? {};
  const needs = /\bscope="([^"]+)"/.exec(challenge ?? '')?.[1]?.split(' ') ?? [];
  return new ApiProblem(status, code ?? 'UNKNOWN', detail ?? title ?? `The server answered ${String(status)}.`, needs);
}

/** There was no response, or only part of it. */
export function unreachable(): ApiProblem {
  return new ApiProblem(0, 'UNREACHABLE', 'The server cannot be reached. Check the connection and try again.');
}

/** A response that this page cannot read. */
export function unreadable(path: string): ApiProblem {
  const detail = `The server sent something that this page does not understand (${path}). Reload the page; it may be older than the server.`;
  return new ApiProblem(200, 'ANSWER_UNREADABLE', detail);
}

/** How a screen shows an error. */
export type Fault = 'signed-out' | 'no-rights' | 'unknown' | 'refused' | 'away' | 'broken';

/** @returns how to show an error */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof ApiProblem)) return 'broken';
  const { status, code } = error;
  if (status === 401) return 'signed-out';
  if (status === 403) return 'no-rights';
  if (status === 404) return 'unknown';
  if (status === 0 || status >= 500 || status === 429) return 'away';
  return code === 'ANSWER_UNREADABLE' ? 'broken' : 'refused';
}
