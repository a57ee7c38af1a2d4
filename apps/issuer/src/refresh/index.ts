import { type Provider } from '@nestjs/common';
import { DelegationExpiry } from './delegation-expiry.service.js';
import { DelegationEndsStore } from './delegation-ends.store.js';
import { RefreshTokens } from './refresh-tokens.service.js';
import { RefreshStore } from './refresh.store.js';
import { REFRESH_TIMES, type RefreshTimes } from './rotation.js';

/** The providers of refresh tokens, for the issuer's module. */
export function refreshProviders(times: RefreshTimes): readonly Provider[] {
  return [
    { provide: REFRESH_TIMES, useValue: times },
    RefreshStore,
    DelegationEndsStore,
    RefreshTokens,
    DelegationExpiry,
  ];
}
