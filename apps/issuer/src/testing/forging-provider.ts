import { createServer } from 'node:http';
import { once } from 'node:events';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';

/** What the provider answers next, instead of what an honest one would. */
export interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  /** A key that the provider does not publish. */
  readonly foreignKey?: boolean;
  readonly userinfo?: Readonly<Record<string, unknown>>;
  /** Instead of the token endpoint's answer. */
  readonly tokenAnswer?: { readonly status: number; readonly body: string };
  readonly algorithm?: 'none';
}

/** An OpenID provider that forges on command; a real one cannot be made to. */
export interface ForgingProvider {
  readonly url: string;
  readonly port: number;
  forge(what: Forgery): void;
  /** What it signs with its published key. */
  sign(claims: Readonly<Record<string, unknown>>, typ?: string, foreignKey?: boolean): Promise<string>;
  /** What the last token request sent. */
  readonly tokenRequests: URLSearchParams[];
  /** The provider's answer to an authorization request, at its callback. */
  answer(authorizationUrl: URL, further?: Readonly<Record<string, string>>): URL;
  close(): Promise<void>;
}

/** @param sub whom it always signs in */
export async function startForgingProvider(port: number, clientId: string, sub: string): Promise<ForgingProvider> {
  const url = `http://127.0.0.1:${String(port)}`;
  const keys = await generateKeyPair('ES256', { extractable: true });
  const foreign = await generateKeyPair('ES256', { extractable: true });
  let forgery: Forgery = {};
  const nonces = new Map<string, string>();
  const tokenRequests: URLSearchParams[] = [];
  const signed = (claims: Readonly<Record<string, unknown>>, typ: string, key: CryptoKey): Promise<string> =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k1', typ }).sign(key);

  async function tokens(form: URLSearchParams): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const honest = {
      iss: url,
      aud: clientId,
      sub,
      iat: now,
      exp: now + 300,
      auth_time: now,
      nonce: nonces.get(form.get('code') ?? ''),
    };
    const claims = Object.fromEntries(
      Object.entries({ ...honest, ...forgery.claims }).filter(([, value]) => value !== undefined),
    );
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const idToken =
      forgery.algorithm === 'none'
        ? `${encoded({ alg: 'none' })}.${encoded(claims)}.`
        : await signed(claims, 'JWT', forgery.foreignKey === true ? foreign.privateKey : keys.privateKey);
    return JSON.stringify({ access_token: 'a', token_type: 'Bearer', id_token: idToken });
  }

  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      void (async () => {
        const path = new URL(request.url ?? '/', url).pathname;
        const send = (body: string, status = 200): void => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(body);
        };
        if (path === '/.well-known/openid-configuration') {
          const own = {
            issuer: url,
            authorization_endpoint: `${url}/auth`,
            token_endpoint: `${url}/token`,
            jwks_uri: `${url}/jwks`,
          };
          send(
            JSON.stringify({
              ...own,
              userinfo_endpoint: `${url}/userinfo`,
              response_types_supported: ['code'],
              id_token_signing_alg_values_supported: ['ES256'],
              authorization_response_iss_parameter_supported: true,
            }),
          );
        } else if (path === '/jwks') {
          send(
            JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }),
          );
        } else if (path === '/userinfo') {
          send(JSON.stringify({ sub, name: 'Mallory', groups: ['staff'], ...forgery.userinfo }));
        } else {
          const form = new URLSearchParams(Buffer.concat(parts).toString());
          tokenRequests.push(form);
          const { tokenAnswer } = forgery;
          if (tokenAnswer === undefined) send(await tokens(form));
          else send(tokenAnswer.body, tokenAnswer.status);
        }
      })();
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url,
    port,
    tokenRequests,
    forge: (what) => (forgery = what),
    sign: (claims, typ = 'logout+jwt', foreignKey = false) =>
      signed(claims, typ, foreignKey ? foreign.privateKey : keys.privateKey),
    answer(authorizationUrl, further = {}) {
      const { searchParams } = authorizationUrl;
      const code = `code-${String(nonces.size)}`;
      nonces.set(code, searchParams.get('nonce') ?? '');
      const callback = new URL(searchParams.get('redirect_uri') ?? '');
      const answer = { code, state: searchParams.get('state') ?? '', iss: url, ...further };
      callback.search = new URLSearchParams(answer).toString();
      return callback;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
