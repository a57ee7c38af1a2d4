import { type Provider } from '@nestjs/common';
import { AuthenticationLimits, LIMIT_SETTINGS, type LimitSettings } from '../limits/authentication-limits.service.js';
import { AssertionAge } from './assertion-age.service.js';
import { AssertionAuthentication } from './assertion-authentication.service.js';
import { ClientAuthentication } from './client-authentication.service.js';
import { RecordedAuthentication } from './recorded-authentication.service.js';
import { SecretAuthentication } from './secret-authentication.service.js';
import { SenderConstraint } from './sender-constraint.service.js';
import { UsedAssertions } from './used-assertions.store.js';

/** The providers of client authentication, for the issuer's module. */
export function authenticationProviders(limits: LimitSettings): readonly Provider[] {
  return [
    { provide: LIMIT_SETTINGS, useValue: limits },
    AuthenticationLimits,
    SecretAuthentication,
    UsedAssertions,
    AssertionAge,
    AssertionAuthentication,
    ClientAuthentication,
    RecordedAuthentication,
    SenderConstraint,
  ];
}
