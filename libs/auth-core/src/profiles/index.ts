/**
 * `@countersign/auth-core/profiles`: the rules of a token profile, for a service that verifies tokens of other issuers with keys that it manages
 * itself. The issuer uses them for people of other issuers.
 */
export { acceptsType, principalByProfile } from './token-profile.js';
