import { randomUUID } from 'node:crypto';
import { type z } from 'zod';
import { ExitCode, OutcomeUnknown } from '../cli-error.js';
import { type ServiceRequest, type Session } from './session.js';

/**
 * Calls the issuer's admin API, as a client with `issuer:admin` (the local stack's is `operator`). A POST whose response was lost is
 * repeated under the same idempotency key, so that a secret shown only once is not lost with it.
 * @throws {CliError}
 */
export async function callAdmin<Schema extends z.ZodType>(
  session: Session,
  schema: Schema,
  request: Pick<ServiceRequest, 'path' | 'method' | 'body' | 'timeoutMs'>,
): Promise<z.infer<Schema>> {
  const headers = request.method === 'POST' ? { headers: { 'idempotency-key': randomUUID() } } : {};
  const call = () => session.call(schema, { service: 'issuer', scopes: ['issuer:admin'], ...request, ...headers });
  try {
    return await call();
  } catch (error) {
    const wasLost = error instanceof OutcomeUnknown && error.exitCode === ExitCode.unreachable;
    if (!wasLost || request.method !== 'POST') throw error;
    return call();
  }
}
