import { verify } from 'node:crypto';
import {
  createVerifier as createCountersign,
  MemoryRevocationList,
  type TokenVerifier,
  type VerifierOptions,
} from '@countersign/auth-core';
import { JwtVerifier } from 'aws-jwt-verify';
import { createVerifier as createFastJwt } from 'fast-jwt';
import { createLocalJWKSet, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { type Candidate } from '../rounds.js';
import { cpuTimeOf } from './cpu-time.js';
import { audience, issuer, type SampleTokens } from './sample-tokens.js';

export type ContestantName = 'floor' | 'countersign' | 'fast-jwt' | 'jsonwebtoken' | 'aws-jwt-verify' | 'jose';

const REVOCATIONS = 1_000;
const CACHE_SIZE = 10_000;

/** Our verifier as a service has it: revocations in memory, keys loaded. @param cacheSize tokens kept */
export function countersign(
  { jwks }: SampleTokens,
  cacheSize: number,
  profile?: VerifierOptions['profile'],
): Promise<TokenVerifier> {
  const revocations = new MemoryRevocationList();
  const until = Date.now() / 1_000 + 3_600;
  for (let index = 0; index < REVOCATIONS; index += 1) {
    revocations.add({ kind: 'token', tokenId: `revoked-${String(index)}`, until });
  }
  const fetch = (): Promise<Response> => Promise.resolve(Response.json(jwks));
  const jwksUrl = `${issuer}/.well-known/jwks.json`;
  return createCountersign({ issuer, audience, profile, jwksUrl, cacheSize, revocations, fetch });
}

/** fast-jwt, set to check as much of what we check as it can. @param cache tokens kept, or none */
export function fastJwt({ algorithm, publicKey }: SampleTokens, cache: number | false): (token: string) => unknown {
  return createFastJwt({
    key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: 'at+jwt',
    requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope'],
    clockTolerance: 5_000,
    cache,
  });
}

/**
 * One round of a contestant: the next `batch` tokens of the sample, each verified once.
 * @param through called, outside what is measured, when the whole sample was through: what is kept must be forgotten
 */
function roundOf<Name extends ContestantName>(
  name: Name,
  { tokens }: SampleTokens,
  batch: number,
  one: (token: string, index: number) => unknown,
  through: () => Promise<void> = () => Promise.resolve(),
): Candidate<Name> {
  let at = 0;
  return {
    name,
    round: async () => {
      if (at === tokens.length) {
        await through();
        at = 0;
      }
      const from = at;
      at = Math.min(at + batch, tokens.length);
      return cpuTimeOf(at - from, async () => {
        for (let index = from; index < at; index += 1) {
          const outcome = one(tokens[index] ?? '', index);
          if (outcome instanceof Promise) await outcome;
        }
      });
    },
  };
}

const floorOf = (sample: SampleTokens, batch: number): Candidate<'floor'> =>
  roundOf('floor', sample, batch, (_token, index) => {
    const input = sample.floor[index];
    if (input === undefined || !verify(input.digest, input.data, input.key, input.signature)) throw new Error('floor');
  });

async function oursOf(
  sample: SampleTokens,
  batch: number,
  profile?: VerifierOptions['profile'],
): Promise<Candidate<'countersign'>> {
  let ours = await countersign(sample, CACHE_SIZE, profile);
  return roundOf(
    'countersign',
    sample,
    batch,
    (token) => ours.verify(token),
    async () => {
      ours.close();
      ours = await countersign(sample, CACHE_SIZE, profile);
    },
  );
}

/** The floor and ours, on tokens of another issuer. */
export async function otherIssuer(
  sample: SampleTokens,
  batch: number,
  profile: VerifierOptions['profile'],
): Promise<readonly Candidate<'floor' | 'countersign'>[]> {
  return [floorOf(sample, batch), await oursOf(sample, batch, profile)];
}

/** The floor, ours and the peers that know the algorithm, each on the same tokens, none of them repeated within a cache's reach. */
export async function contestants(sample: SampleTokens, batch: number): Promise<readonly Candidate<ContestantName>[]> {
  const { algorithm, jwks, publicKey } = sample;
  const fast = fastJwt(sample, false);
  const aws = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/jwks.json`, graceSeconds: 5 });
  aws.cacheJwks({ keys: jwks.keys.map((jwk) => ({ ...jwk, use: 'sig' })) });
  const localSet = createLocalJWKSet(jwks);
  const list: Candidate<ContestantName>[] = [
    floorOf(sample, batch),
    await oursOf(sample, batch),
    roundOf('fast-jwt', sample, batch, fast),
    roundOf('aws-jwt-verify', sample, batch, (token) => aws.verifySync(token)),
    roundOf('jose', sample, batch, (token) =>
      jwtVerify(token, localSet, { issuer, audience, typ: 'at+jwt', algorithms: [algorithm], clockTolerance: 5 }),
    ),
  ];
  if (algorithm !== 'EdDSA') {
    const options = { algorithms: [algorithm], issuer, audience, clockTolerance: 5 };
    list.push(roundOf('jsonwebtoken', sample, batch, (token) => jsonwebtoken.verify(token, publicKey, options)));
  }
  return list;
}
