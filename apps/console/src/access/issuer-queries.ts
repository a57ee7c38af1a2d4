import { queryOptions } from '@tanstack/react-query';
import type * as z from 'zod/mini';
import { ask, valueOf, type Request } from '../api/client.js';
import { changedSchema, newestSchema, previewSchema } from './issuer-answers.js';
import { type PlannedChange } from './planned-change.js';

const PREFIX = '/console/issuer/';

/** Calls the issuer's admin API with the rights of the signed-in person. @throws {ApiProblem} */
export async function askIssuer<Schema extends z.core.$ZodType>(
  schema: Schema,
  path: string,
  request: Request = {},
): Promise<z.infer<Schema>> {
  return valueOf(await ask(schema, PREFIX + path, request));
}

/** What a change would refuse. */
export const previewQuery = (refuses: NonNullable<PlannedChange['refuses']>) =>
  queryOptions({
    queryKey: ['issuer', 'preview', refuses],
    queryFn: ({ signal }) => askIssuer(previewSchema, 'admin/revocations/preview', { query: { ...refuses }, signal }),
    staleTime: 0,
    gcTime: 0,
  });

/** The latest actions of clients, by client. From the trail, which records the request. */
export const newestQuery = (clients: readonly string[]) =>
  queryOptions({
    queryKey: ['events', 'newest', clients],
    enabled: clients.length > 0,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const query = { clients: clients.join(',') };
      const { newest } = valueOf(await ask(newestSchema, '/events/newest', { query, signal }));
      return new Map(newest.map((one) => [one.client, one]));
    },
  });

/** Makes a change. @param key the same for every attempt at one change. @throws {ApiProblem} */
export function make(change: PlannedChange, key: string, reason: string) {
  const { body, takesReason } = change;
  const whole = takesReason === true && reason !== '' ? { ...body, reason } : body;
  return askIssuer(changedSchema, change.path, {
    method: change.method ?? 'POST',
    idempotencyKey: key,
    ...(whole === undefined ? {} : { body: whole }),
  });
}

/** A key under which a change is made once, however often it is attempted. Also works if the page is not a secure context. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
