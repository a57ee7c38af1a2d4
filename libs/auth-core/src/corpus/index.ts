/**
 * `@countersign/auth-core/corpus`: tokens that a verifier must refuse, each with the code that it is refused with. For the tests of anyone who
 * verifies tokens; see `corpus/*.json`.
 */
export { hostileCases, type HostileCase, type SignatureRecipe } from './hostile-case.js';
export { goodClaims, hostileToken, type HostileContext } from './hostile-token.js';
