import { type z } from 'zod';
import { type ServiceRequest, type Session } from './session.js';

/** A call of the issuer's admin API, as a client that may (`issuer:admin`; the local stack's is `operator`). @throws {CliError} */
export function callAdmin<Schema extends z.ZodType>(
  session: Session,
  schema: Schema,
  request: Pick<ServiceRequest, 'path' | 'method' | 'body'>,
): Promise<z.infer<Schema>> {
  return session.call(schema, { service: 'issuer', scopes: ['issuer:admin'], ...request });
}
