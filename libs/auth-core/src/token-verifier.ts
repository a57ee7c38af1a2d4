import { askChecks, declaredClaims, type ClaimsSchema, type PrincipalWith } from './declared-claims.js';
import { IssuerVerifier, type Completion } from './issuer-verifier.js';
import { type Principal } from './principal.js';
import { SeveralIssuers } from './several-issuers.js';
import { type IssuerOptions, type SeveralIssuersOptions, type VerifierOptions } from './verifier-options.js';
import { type TokenVerifier } from './verifier.js';

export { type TokenVerifier } from './verifier.js';

type AnyOptions<Claims = unknown> = VerifierOptions<Claims> | SeveralIssuersOptions<Claims>;

/** An issuer's own options and the common ones; an undefined own option does not hide a common one. */
function ofOneIssuer(common: Omit<SeveralIssuersOptions, 'issuers'>, own: IssuerOptions): VerifierOptions {
  const all: VerifierOptions = { ...common, ...own };
  for (const [name, value] of Object.entries(common))
    if (Reflect.get(own, name) === undefined) Reflect.set(all, name, value);
  return all;
}

function made<Caller extends Principal>(
  options: AnyOptions,
  completion: (checks: VerifierOptions['checks']) => Completion<Caller>,
): TokenVerifier<Caller> {
  if (!('issuers' in options)) return new IssuerVerifier(options, completion(options.checks));
  const { issuers, ...common } = options;
  return new SeveralIssuers(
    issuers.map((own) => {
      const checks = [...(common.checks ?? []), ...(own.checks ?? [])];
      return new IssuerVerifier(ofOneIssuer(common, own), completion(checks));
    }),
  );
}

const plain =
  (checks: VerifierOptions['checks'] = []): Completion<Principal> =>
  (principal, claims) => {
    if (checks.length > 0) askChecks(checks, claims, principal);
    return principal;
  };

const declaring =
  <Claims>(schema: ClaimsSchema<Claims>) =>
  (checks: VerifierOptions['checks'] = []): Completion<PrincipalWith<Claims>> =>
  (principal, claims) => {
    const caller = { ...principal, claims: declaredClaims(schema, claims) };
    askChecks(checks, claims, caller);
    return caller;
  };

/**
 * Creates a verifier and loads the keys of its issuer, or of each of its `issuers`. An issuer that does not respond yet is not an error: the reason is
 * reported immediately (`onKeys`), fetching continues in the background, and until it succeeds the issuer's tokens are refused with `KEYS_UNAVAILABLE`
 * (503).
 * @throws {TypeError} for keys by plain http beyond this machine, without `allowPlainHttp`
 * @throws {RangeError} for an option out of its range
 */
export async function createVerifier<Claims>(
  options: AnyOptions<Claims> & { readonly claims: ClaimsSchema<Claims> },
): Promise<TokenVerifier<PrincipalWith<Claims>>>;
export async function createVerifier(options: AnyOptions): Promise<TokenVerifier>;
export async function createVerifier(options: AnyOptions): Promise<TokenVerifier> {
  const { claims } = options;
  const verifier = claims === undefined ? made(options, plain) : made(options, declaring(claims));
  await verifier.loadKeys();
  return verifier;
}
