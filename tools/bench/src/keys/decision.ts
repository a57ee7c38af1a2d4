import { setImmediate as turn } from 'node:timers/promises';
import { ApiKeys, createVerifier, makeApiKey, publicJwkOf, signJwt, type PrivateJwk } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { AUDIENCE, ISSUER, SCOPE } from '../http/settings.js';
import { cpuTimeOf } from '../verify/cpu-time.js';

const DECISIONS = 20_000;
/** Decisions between two turns of the event loop, in which leases are asked for. */
const AT_ONCE = 200;
const ADDRESS = '192.0.2.1';

/**
 * A key that was verified before: whose it is, its networks, the token's time and revocation, its limit, and its count, all from memory.
 * @returns a round: microseconds of CPU a decision
 */
export async function decisionRound(key: PrivateJwk): Promise<() => Promise<number>> {
  const iat = Math.floor(Date.now() / 1_000);
  const id = uuidv7();
  const text = makeApiKey('bench', id);
  const limits = { '*': { per_minute: 10_000_000, per_month: 1_000_000_000_000 } };
  const token = signJwt(
    { typ: 'at+jwt', kid: key.kid },
    {
      ...{ iss: ISSUER, sub: 'shop', client_id: 'shop', aud: AUDIENCE, scope: SCOPE, jti: id },
      ...{ iat, exp: iat + 7_200, kind: 'application', api_key: { id, name: 'bench', limits } },
    },
    key,
  );
  const jwks = { keys: [publicJwkOf(key)] };
  const fetch = () => Promise.resolve(Response.json(jwks));
  const verifier = await createVerifier({ issuer: ISSUER, audience: AUDIENCE, fetch });
  const exchanged = { token, expiresAt: iat + 7_200, scopes: [SCOPE], tokenType: 'Bearer' as const };
  const keys = new ApiKeys({
    verifier,
    exchange: () => Promise.resolve(exchanged),
    onUsage: () => Promise.resolve(),
  });
  await keys.verify(text, { address: ADDRESS });
  const decide = (): boolean => {
    const apiKey = keys.recall(text, ADDRESS)?.apiKey;
    return apiKey !== undefined && keys.passNow(apiKey, 'read', ADDRESS) !== undefined;
  };
  return async () => {
    let local = 0;
    let used = 0;
    while (local < DECISIONS) {
      await keys.verify(text, { address: ADDRESS, routeClass: 'read' });
      await turn();
      let passed = 0;
      const each = await cpuTimeOf(1, () => {
        while (passed < AT_ONCE && decide()) passed += 1;
      });
      // A part in which the lease ended says nothing of a decision from memory.
      if (passed < AT_ONCE) continue;
      local += passed;
      used += each;
    }
    return used / local;
  };
}
