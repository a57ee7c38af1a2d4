import { isObject, type JsonObject } from './json-object.js';
import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';

type Issue = {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
};
type Outcome<Claims> = { readonly value: Claims; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/**
 * Further claims that a service needs, as a schema of any library that follows Standard Schema 1 (zod, valibot, arktype): `z.object({ tenant:
 * z.string() })`. It must be synchronous.
 */
export interface ClaimsSchema<Claims = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Outcome<Claims> | Promise<Outcome<Claims>>;
    readonly types?: { readonly input: unknown; readonly output: Claims } | undefined;
  };
}

/** A principal with the claims that {@link ClaimsSchema} declares. */
export type PrincipalWith<Claims> = Principal & { readonly claims: Claims };

/**
 * A custom check, made after the token has passed all others. It does not run again while the token is cached, so it must depend on the token only.
 * @returns the claim that is invalid, to refuse the token (`CLAIM_INVALID`); undefined to accept it
 */
export type ClaimsCheck = (claims: JsonObject, principal: Principal) => string | undefined;

function nameOf({ path = [] }: Issue): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.') || 'claims';
}

/** All requests with the same token share the parsed claims. */
function frozen<Value>(value: Value): Value {
  if (isObject(value) || Array.isArray(value)) {
    for (const member of Object.values(value)) frozen(member);
    Object.freeze(value);
  }
  return value;
}

/** @throws {TokenError} `CLAIM_MISSING`, `CLAIM_INVALID`, the detail naming the claim */
export function declaredClaims<Claims>(schema: ClaimsSchema<Claims>, claims: JsonObject): Claims {
  const outcome = schema['~standard'].validate(claims);
  if (outcome instanceof Promise)
    throw new TypeError('the claims schema must be synchronous and must not return a promise');
  if (outcome.issues === undefined) return frozen(outcome.value);
  const [first = { message: 'claims' }] = outcome.issues;
  const name = nameOf(first);
  throw new TokenError(claims[name.split('.')[0] ?? ''] === undefined ? 'CLAIM_MISSING' : 'CLAIM_INVALID', name);
}

/** @throws {TokenError} `CLAIM_INVALID` */
export function askChecks(checks: readonly ClaimsCheck[], claims: JsonObject, principal: Principal): void {
  for (const check of checks) {
    const refused = check(claims, principal);
    if (refused !== undefined) throw new TokenError('CLAIM_INVALID', refused);
  }
}
