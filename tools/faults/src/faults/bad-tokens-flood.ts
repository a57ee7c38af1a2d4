import { type PrivateJwk } from '@countersign/auth-core';
import { hostileCases, hostileToken } from '@countersign/auth-core/corpus';
import { type Fault } from './fault.js';
import { flood, type FloodedService, type FloodToken } from './flood.js';
import { between, pick } from './random.js';

const FLOOD_MS = 6_000;

/** What a header may carry (RFC 9110, section 5.5), of a length that no HTTP server cuts off. */
const SENDABLE = /^[\x21-\x7e]{1,12000}$/;

/** Every kind of token that a verifier has to refuse, made for a service of this stack. */
function badTokensFor(service: FloodedService, issuer: string, key: PrivateJwk): readonly FloodToken[] {
  const context = { issuer, audience: service, key, now: Math.floor(Date.now() / 1_000), listener: issuer };
  return hostileCases()
    .filter(({ claims }) => claims?.['aud'] !== service)
    .map((recipe) => ({ token: hostileToken(recipe, context), code: recipe.expect }))
    .filter(({ token }) => SENDABLE.test(token));
}

/** Bad tokens of every kind, as many as payments and accounts can handle; callers with a valid token notice nothing. */
export const badTokensFlood: Fault = {
  name: 'bad-tokens-flood',
  unfelt: true,
  async strike(scene) {
    const { stack, random } = scene;
    const { identities, urls } = stack;
    const tokens = {
      payments: badTokensFor('payments', urls.issuer, identities.signingKey),
      accounts: badTokensFor('accounts', urls.issuer, identities.signingKey),
    };
    await flood(scene, (service) => pick(random, tokens[service]), FLOOD_MS + between(random, 0, 1_000));
  },
};
