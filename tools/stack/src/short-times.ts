import { type StackOptions } from './stack-options.js';

/** Times so short that what a fault leaves is taken up within seconds instead of minutes. */
export const shortTimes: NonNullable<StackOptions['environment']> = {
  // Validators fetch the keys at most every ten seconds; a pending key may sign after twelve.
  issuer: { TOKEN_LIFETIME_SECONDS: '30', JWKS_LIFETIME_SECONDS: '6' },
  payments: {
    ACCOUNTS_TIMEOUT_MS: '1500',
    ACCOUNTS_DEADLINE_MS: '2000',
    STEP_LEASE_MS: '2500',
    RECOVERY_INTERVAL_MS: '500',
  },
};
