import { uuidv7 } from '@countersign/audit-event';
import { z } from 'zod';

/** `person:<UUIDv7>`: the `sub` of tokens about a person. */
export const personIdSchema = z
  .string()
  .regex(/^person:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'must be person:<UUIDv7>')
  .brand<'PersonId'>();
export type PersonId = z.infer<typeof personIdSchema>;

/** The id of a person who signs in for the first time. @param now milliseconds since 1970 */
export function newPersonId(now: number): PersonId {
  return personIdSchema.parse(`person:${uuidv7(now)}`);
}

/** Somebody who signed in at an outside provider, as described by the provider at the last sign-in. */
export interface Person {
  readonly id: PersonId;
  readonly name: string;
  /** By the provider's declared mapping. */
  readonly roles: readonly string[];
  /** The provider's name in the declared file. */
  readonly provider: string;
  /** Only an address that the provider has verified. */
  readonly email?: string;
}

/** A provider's description of somebody who signed in. */
export interface ProvidedPerson {
  /** The provider's identifier: together with `subject` it identifies the person (OpenID Connect Core, section 5.7). */
  readonly issuer: string;
  readonly subject: string;
  readonly provider: string;
  readonly name: string;
  readonly email: string | undefined;
  readonly roles: readonly string[];
}
