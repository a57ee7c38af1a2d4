import { type TokenVerifier } from '@countersign/auth-core';
import { type HealthCheck, type HealthRegistry } from './health.js';

type Keys = Pick<TokenVerifier, 'keysLoaded' | 'lastKeyError' | 'keysFileError'>;

const hasKeys = (verifier: object): verifier is Keys => 'keysLoaded' in verifier && 'lastKeyError' in verifier;

/** Whether tokens can be verified; if not, the cause of the last failed key fetch. */
function keysCheck(verifier: Keys): HealthCheck {
  return () => {
    if (verifier.keysLoaded) return;
    throw new Error(`the keys of the issuer are not loaded yet: ${verifier.lastKeyError}`);
  };
}

/**
 * Makes the keys a condition of readiness, and notes whether they can be stored in their file, if there is one. A test's own verifier may have none.
 * @param verifier undefined in an application without the guard
 */
export function watchKeys(health: HealthRegistry, verifier: object | undefined): void {
  if (verifier === undefined || !hasKeys(verifier)) return;
  health.add('issuer_keys', keysCheck(verifier));
  if (verifier.keysFileError === undefined) return;
  health.addNote('issuer_keys', () => ({ keepError: verifier.keysFileError === '' ? null : verifier.keysFileError }));
}
