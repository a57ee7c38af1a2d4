import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { type JsonObject } from '../json-object.js';
import { signJwt } from '../jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { KeyServer } from '../testing/key-server.js';
import { profileOfShape, tokenShapes, type TokenShape } from '../testing/token-shapes.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { type ProfileName } from './known-profiles.js';

/** The other libraries read the machine's clock. */
const now = Math.floor(Date.now() / 1_000);
const shapes = tokenShapes(now);
const names = Object.entries(profileOfShape);

interface Change {
  readonly claims?: JsonObject;
  readonly header?: JsonObject;
  /** Applied to the finished token. */
  readonly after?: (token: string, key: PrivateJwk) => string;
}

const segments = (token: string): readonly [string, string, string] => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
};
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const withHeader = (token: string, change: JsonObject): string => {
  const [header, payload, signature] = segments(token);
  const read: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
  return `${encoded({ ...(typeof read === 'object' ? read : {}), ...change })}.${payload}.${signature}`;
};

/** Variants of a valid token. */
const changes: Readonly<Record<string, Change>> = {
  'as it is': {},
  'of another realm or tenant': { claims: { iss: 'https://elsewhere.test/realms/acme' } },
  'without issuer': { claims: { iss: undefined } },
  'for another': { claims: { aud: 'others', scope: 'others/read' } },
  'for a list without us': { claims: { aud: ['others', 'more'], scope: 'others/read' } },
  'for nobody': { claims: { aud: [] } },
  expired: { claims: { exp: now - 60 } },
  'without end': { claims: { exp: undefined } },
  'with an expiry in words': { claims: { exp: 'tomorrow' } },
  'not yet valid': { claims: { nbf: now + 600 } },
  'from the future': { claims: { iat: now + 600 } },
  'of an ID token’s form': { claims: { nonce: 'n', at_hash: 'x' } },
  'of another type': { header: { typ: 'logout+jwt' } },
  'of an unknown key': { header: { kid: 'unknown' } },
  'with an extension that must be understood': { header: { crit: ['exp'] } },
  unsigned: {
    after: (token) =>
      `${segments(withHeader(token, { alg: 'none' }))
        .slice(0, 2)
        .join('.')}.`,
  },
  'with no signature': { after: (token) => `${segments(token).slice(0, 2).join('.')}.` },
  'with another alg': { after: (token) => withHeader(token, { alg: 'PS256' }) },
  'signed by the public key as a secret': {
    after: (token, key) => {
      const [header, payload] = segments(withHeader(token, { alg: 'HS256' }));
      const secret = JSON.stringify(publicJwkOf(key));
      return `${header}.${payload}.${createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')}`;
    },
  },
  'with another subject': {
    after: (token) => {
      const [header, payload, signature] = segments(token);
      const read: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
      return `${header}.${encoded({ ...(typeof read === 'object' ? read : {}), sub: 'eve' })}.${signature}`;
    },
  },
  'with a signature cut short': { after: (token) => token.slice(0, -8) },
  'in two parts': { after: (token) => segments(token).slice(0, 2).join('.') },
};

describe('beside jose and express-oauth2-jwt-bearer', () => {
  let key: PrivateJwk;
  let keys: KeyServer;
  let server: Server;
  let origin: string;
  const verifiers = new Map<string, TokenVerifier>();

  beforeAll(async () => {
    key = await generateSigningKey('RS256');
    keys = await KeyServer.start();
    const app = express();
    for (const [at, [name, profile]] of names.entries()) {
      const { issuer, audience } = shapeOf(name);
      keys.publish(issuer, [publicJwkOf(key)]);
      const verifier = await createVerifier({ issuer, audience, profile, fetch: keys.fetch, cacheSize: 0 });
      verifiers.set(name, verifier);
      const jwksUri = `${keys.origin}/${issuer.replace('://', '/').replace(/\/$/, '')}/keys`;
      app.get(`/${String(at)}`, auth({ issuer, audience, jwksUri }), (_request, response) => void response.send('ok'));
    }
    const refuse: express.ErrorRequestHandler = (error, _request, response, next) => {
      if (response.headersSent) next(error);
      else response.status(401).end();
    };
    app.use(refuse);
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    origin = `http://127.0.0.1:${String(address.port)}`;
  });
  afterAll(async () => {
    for (const verifier of verifiers.values()) verifier.close();
    server.closeAllConnections();
    server.close();
    await keys.close();
  });

  const shapeOf = (name: string): TokenShape => {
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`no shape ${name}`);
    return shape;
  };
  const minted = (name: string, change: Change): string => {
    const { header, claims } = shapeOf(name);
    const all = Object.entries({ ...claims, ...change.claims }).filter(([, value]) => value !== undefined);
    const token = signJwt({ kid: key.kid, ...header, ...change.header }, Object.fromEntries(all), key);
    return change.after?.(token, key) ?? token;
  };
  const ours = (name: string, token: string): string => {
    try {
      verifiers.get(name)?.verify(token);
      return 'accepted';
    } catch (error) {
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  };
  const byJose = (name: string, token: string): Promise<boolean> => {
    const { issuer, audience } = shapeOf(name);
    return jwtVerify(token, createLocalJWKSet({ keys: [publicJwkOf(key)] }), { issuer, audience }).then(
      () => true,
      () => false,
    );
  };
  const byExpress = async (at: number, token: string): Promise<boolean> => {
    const answer = await fetch(`${origin}/${String(at)}`, { headers: { authorization: `Bearer ${token}` } });
    return answer.ok;
  };

  it.each(names.map(([name, profile], at) => [name, profile, at] as const))(
    '%s: %s accepts no variant that both refuse',
    async (name: string, profile: ProfileName, at: number) => {
      const verdicts: Record<string, string> = {};
      for (const [what, change] of Object.entries(changes)) {
        const token = minted(name, change);
        const verdict = ours(name, token);
        verdicts[what] = verdict;
        if (verdict !== 'accepted') continue;
        const [jose, peer] = [await byJose(name, token), await byExpress(at, token)];
        // Cognito's access tokens have no `aud`, so neither has anything to compare.
        const isComparable = profile !== 'cognito';
        expect([what, jose || peer || !isComparable]).toEqual([what, true]);
      }
      const { 'as it is': plain, ...twins } = verdicts;
      expect(plain).toBe(name.includes('mTLS') ? 'CERTIFICATE_MISMATCH' : 'accepted');
      const taken = Object.entries(twins).filter(([, verdict]) => verdict === 'accepted');
      // A mark of ID tokens is not a fault in an ID token, nor if another claim states the kind of token.
      const idTokenForm = ['keycloak', 'rfc9068', 'cognito', 'kubernetes', 'github-actions', 'google-sign-in'];
      expect(taken.map(([what]) => what)).toEqual(
        idTokenForm.includes(profile) && !name.includes('mTLS') ? ['of an ID token’s form'] : [],
      );
    },
  );
});
