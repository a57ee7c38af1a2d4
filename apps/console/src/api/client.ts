import * as z from 'zod/mini';
import { ApiProblem, problemOf, unreachable, unreadable } from './problem.js';

/** A value, or the reason for its absence. */
export type Answer<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: ApiProblem };

/** Without it the server ignores the session cookie: a page of another site cannot send it. */
const consoleHeader = { 'x-countersign-console': '1' } as const;

const refusedListeners = new Set<() => void>();

/** Called for each request that the server treated as unauthenticated: the session may have ended. */
export function onSignedOut(listener: () => void): void {
  refusedListeners.add(listener);
}

/** Milliseconds that a request may take. */
const LIMIT_MS = 30_000;

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent in the query; undefined values are omitted, and a list is sent as repeated parameters. */
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** For an endless response, which no timeout may cut off. */
  readonly endless?: boolean;
  /** The idempotency key. */
  readonly idempotencyKey?: string;
}

/** A path with its query. */
export function pathWith(path: string, query: Request['query'] = {}): string {
  const said = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : typeof value === 'object' ? value.map((one) => [name, one]) : [[name, String(value)]],
  );
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said).toString()}`;
}

/** Sends a request to the console's own server, as the person who is signed in. @returns the response, or why there is none */
export async function send(
  path: string,
  { method = 'GET', query, body, signal, endless = false, idempotencyKey }: Request = {},
): Promise<Answer<Response>> {
  const limit = endless ? new AbortController().signal : AbortSignal.timeout(LIMIT_MS);
  try {
    const response = await fetch(pathWith(path, query), {
      method,
      credentials: 'same-origin',
      redirect: 'error',
      headers: {
        ...consoleHeader,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    if (response.ok) return { ok: true, value: response };
    if (response.status === 401) for (const listener of refusedListeners) listener();
    const refusal: unknown = await response.json().catch(() => undefined);
    return { ok: false, problem: problemOf(response.status, refusal, response.headers.get('www-authenticate')) };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return { ok: false, problem: unreachable() };
  }
}

/**
 * Reads the body of a response that has begun.
 * @param body reads it, such as `response.text()`
 * @throws {ApiProblem} `UNREACHABLE` when the connection was lost on the way; the signal's reason when that ended it
 */
export async function whole<Body>(body: Promise<Body>, signal?: AbortSignal): Promise<Body> {
  try {
    return await body;
  } catch (error) {
    throw signal?.aborted === true ? error : unreachable();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Requests JSON and validates it.
 * @returns the parsed value; a problem with the code `ANSWER_UNREADABLE` if the response does not match the schema
 */
export async function ask<Schema extends z.core.$ZodType>(
  schema: Schema,
  path: string,
  request?: Request,
): Promise<Answer<z.infer<Schema>>> {
  const sent = await send(path, request);
  if (!sent.ok) return sent;
  try {
    const parsed = z.safeParse(schema, jsonOf(await whole(sent.value.text(), request?.signal)));
    return parsed.success ? { ok: true, value: parsed.data } : { ok: false, problem: unreadable(path) };
  } catch (error) {
    if (error instanceof ApiProblem) return { ok: false, problem: error };
    throw error;
  }
}

/** For TanStack Query, which expects errors to be thrown. @throws {ApiProblem} */
export function valueOf<Value>(answer: Answer<Value>): Value {
  if (answer.ok) return answer.value;
  throw answer.problem;
}
