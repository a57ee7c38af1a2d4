/**
 * `@countersign/auth-core/profiles`: the rules of a token profile, for a service that verifies tokens of other issuers by keys of its own
 * keeping. The issuer takes in other issuers' people with them.
 */
export { acceptsType, principalByProfile } from './token-profile.js';
