import { createLocalJWKSet, jwtVerify, type JWTPayload } from 'jose';
import { signJwt } from '../jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { type Principal } from '../principal.js';
import { TokenError } from '../token-error.js';
import { createVerifier } from '../token-verifier.js';
import { goodClaims } from './hostile-token.js';

/** Most have odd claims: as many different verdicts as of 25,000 that mostly have odd texts. */
const TOKENS = Number(process.env['DIFFERENTIAL_TOKENS'] ?? 10_000);
/** Verifications by jose in progress at once: they run on their own threads. */
const AT_ONCE = 200;
const now = 1_800_000_000;
const place = { issuer: 'https://issuer.test', audience: 'orders', now };

/** Why we refuse what jose accepts, by our code and its detail. Any other disagreement is a bug. */
const stricter: ReadonlyMap<string, string> = new Map([
  ['TOKEN_MALFORMED not base64url', 'jose accepts padding and white space in base64url'],
  ['TOKEN_MALFORMED non-canonical base64url', 'jose accepts stray bits after the last byte'],
  ['TOKEN_MALFORMED a member name is repeated', 'jose uses the last of repeated names'],
  ['TOKEN_TOO_LARGE', 'jose has no limit'],
  ['KEY_UNKNOWN kid', 'jose uses the only key of the set when no kid is given'],
  ['CRIT_NOT_SUPPORTED', 'jose supports b64'],
  ['AUDIENCE_MISMATCH aud', 'jose accepts a list of audiences'],
  ['TOKEN_NOT_YET_VALID iat', 'jose checks iat only against a maximum age'],
  ...[
    'aud',
    'exp',
    'nbf',
    'iat',
    'jti',
    'sub',
    'client_id',
    'scope',
    'act',
    'act.sub',
    'act.client_id',
    'roles',
    'kind',
    'auth_time',
    'acr',
    'amr',
    'txn',
    'cnf',
  ].map(
    (claim) =>
      [`CLAIM_INVALID ${claim}`, `jose does not check type, size or form of ${claim} beyond its own rules`] as const,
  ),
  ['CLAIM_MISSING act.sub', 'jose does not know act'],
  ['DPOP_PROOF_MISSING', 'jose does not know cnf'],
]);

/** A seeded generator, so that failures are reproducible: mulberry32. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const characters = 'ABCXYZabcxyz019-_.=+/ \n\u0000é{}"';
const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  'orders',
  'https://issuer.test',
  [],
  ['orders'],
  {},
  { sub: 'x' },
  { jkt: 'A'.repeat(43) },
  now,
  now + 1,
  now + 100.5,
  now - 4,
  now - 5,
  now + 4,
  now + 6,
  String(now),
  'x'.repeat(600),
  [['orders']],
  '\u0000',
  'a b  c',
];
const claimNames = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'txn',
  'act',
  'roles',
  'kind',
  'auth_time',
  'acr',
  'amr',
  'cnf',
  '__proto__',
  'x',
];
const headerNames = ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'cty', 'x'];
const oddHeaders: readonly unknown[] = [
  null,
  'none',
  'ES256',
  'HS256',
  'RS256',
  'at+jwt',
  'AT+JWT',
  'application/at+jwt',
  'JWT',
  ['b64'],
  ['exp'],
  [],
  '',
  7,
  true,
  {},
];

describe('against jose', () => {
  let key: PrivateJwk;
  let rsaKey: PrivateJwk;
  let keySet: ReturnType<typeof createLocalJWKSet>;

  /** A mutation of the text: a character inserted, deleted or changed, segments swapped, doubled or truncated. */
  function mutateText(token: string, random: (limit: number) => number): string {
    const segments = token.split('.');
    // Where a segment ends, a character has bits that decode to nothing.
    const ends = [(segments[0] ?? '').length, token.length - (segments[2] ?? '').length - 1, token.length];
    const at = random(8) === 0 ? (ends[random(3)] ?? 0) - 1 : random(token.length);
    const character = characters.charAt(random(characters.length));
    switch (random(7)) {
      case 0:
        return token.slice(0, at) + character + token.slice(at);
      case 1:
        return token.slice(0, at) + token.slice(at + 1);
      case 2:
        return token.slice(0, at);
      case 3:
        return segments.toSorted(() => random(3) - 1).join('.');
      case 4:
        return token + character.repeat(1 + random(3));
      default:
        return token.slice(0, at) + character + token.slice(at + 1);
    }
  }

  /** A mutation with a valid signature: only the content is odd. */
  function mutateMeaning(random: (limit: number) => number): string {
    const header: Record<string, unknown> = { typ: 'at+jwt', kid: key.kid };
    const claims: Record<string, unknown> = { ...goodClaims(place0()) };
    for (let changes = random(3); changes >= 0; changes -= 1) {
      if (random(4) === 0)
        header[headerNames[random(headerNames.length)] ?? ''] = oddHeaders[random(oddHeaders.length)];
      else
        claims[claimNames[random(claimNames.length)] ?? ''] =
          random(8) === 0 ? undefined : oddValues[random(oddValues.length)];
    }
    return signJwt(header, claims, key);
  }

  const place0 = () => ({ ...place, key, listener: '' });

  beforeAll(async () => {
    key = await generateSigningKey();
    rsaKey = await generateSigningKey('RS256');
    keySet = createLocalJWKSet({ keys: [key, rsaKey].map(publicJwkOf) });
  });

  it(`gives the same verdict on ${String(TOKENS)} mutated tokens, or is stricter for a documented reason`, async () => {
    const verifier = await createVerifier({
      ...place,
      now: () => now * 1_000,
      cacheSize: 0,
      fetch: () => Promise.resolve(Response.json({ keys: [key, rsaKey].map(publicJwkOf) })),
    });
    const ours = (token: string): Principal | string => {
      try {
        return verifier.verify(token);
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        return `${error.code} ${error.detail ?? ''}`.trim();
      }
    };
    const joses = (token: string): Promise<JWTPayload | undefined> =>
      jwtVerify(token, keySet, {
        issuer: place.issuer,
        audience: place.audience,
        typ: 'at+jwt',
        algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope'],
        clockTolerance: 5,
        currentDate: new Date(now * 1_000),
      }).then(
        ({ payload }) => payload,
        () => undefined,
      );

    const random = randomOf(42);
    // Signed once and verified often: RSA verifies three times as fast.
    const good = signJwt(
      { typ: 'at+jwt', kid: rsaKey.kid },
      { ...goodClaims(place0()), act: { sub: 'p' }, roles: ['r'] },
      rsaKey,
    );
    const faults: string[] = [];
    let agreed = 0;
    const seen = new Map<string, number>();
    const judge = async (token: string): Promise<void> => {
      const our = ours(token);
      const their = await joses(token);
      if (typeof our === 'string') {
        seen.set(our, (seen.get(our) ?? 0) + 1);
        if (their !== undefined && !stricter.has(our)) faults.push(`only jose accepts (${our}): ${token}`);
      } else if (their === undefined || their.sub !== our.subject || their.exp !== our.expiresAt) {
        faults.push(`jose does not agree: ${token}`);
      } else agreed += 1;
    };
    for (let done = 0; done < TOKENS; done += AT_ONCE) {
      await Promise.all(
        Array.from({ length: AT_ONCE }, () =>
          judge(random(3) === 0 ? mutateText(good, random) : mutateMeaning(random)),
        ),
      );
    }
    verifier.close();
    expect(faults.slice(0, 5)).toEqual([]);
    expect(agreed).toBeGreaterThan(1_000);
    for (const code of ['SIGNATURE_INVALID', 'ALG_NOT_ALLOWED alg', 'AUDIENCE_MISMATCH aud', 'TOKEN_EXPIRED exp']) {
      expect({ code, seen: (seen.get(code) ?? 0) > 10 }).toEqual({ code, seen: true });
    }
  }, 600_000);
});
