import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  generateSigningKey,
  publicJwkOf,
  signJwt,
  type PrincipalKind,
  type PrivateJwk,
  ACCESS_TOKEN_TYP,
} from '@countersign/auth-core';
import { answerTokenRequest, type TokenRequestSeen } from './token-endpoint.js';

/** What a test specifies about a token; the rest is filled in. Times in seconds. */
export interface TestTokenOptions {
  readonly subject?: string;
  readonly clientId?: string;
  /** The kind of subject; the claim is omitted by default. A `person` has its own id by default, and has just signed in. */
  readonly kind?: PrincipalKind;
  readonly roles?: readonly string[];
  /** Seconds since the person signed in (`auth_time`); 0 by default for a person. */
  readonly signedInAgo?: number;
  /** How well the person was authenticated, and by which methods (`acr`, `amr`). */
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly audience?: string;
  readonly scopes?: readonly string[];
  /** Seconds until it expires; negative for one that has expired. 300 by default. */
  readonly lifetime?: number;
  /** Claims that replace or extend the usual ones; `undefined` omits one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Header members that replace or extend the usual ones. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Sign with this key instead of the issuer's own. */
  readonly key?: PrivateJwk;
}

/** An issuer in memory with real keys: for tests of services, with no network unless `listen` is called. */
export interface TestIssuer {
  readonly key: PrivateJwk;
  /** The `iss` of its tokens; after `listen`, also where its JWKS is. */
  readonly issuer: string;
  mint(requested?: TestTokenOptions): Promise<string>;
  /** A `fetch` that returns this issuer's JWKS for any URL. */
  readonly fetch: typeof globalThis.fetch;
  readonly jwks: { readonly keys: readonly object[] };
  /** Requests to its token endpoint, oldest first; only a listening issuer has one. */
  readonly tokenRequests: readonly TokenRequestSeen[];
  close(): Promise<void>;
}

/** Options of a test issuer. */
export interface TestIssuerOptions {
  readonly audience?: string;
  readonly issuer?: string;
  /** Sign with this key; a new one by default. */
  readonly key?: PrivateJwk;
  /**
   * Serve the JWKS and a token endpoint (`client_credentials`, token exchange) on a free port of the loopback address; `issuer` is then
   * that address. The endpoint trusts the client's name and grants every request: it is for tests only.
   */
  readonly listen?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

function serve(respond: Respond): Promise<{ readonly server: Server; readonly url: string }> {
  return new Promise((resolve) => {
    const server = createServer(respond);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ server, url: `http://127.0.0.1:${String(port)}` });
    });
  });
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return new URLSearchParams(body);
}

/** Creates an issuer for tests: `const issuer = await createTestIssuer({ audience: 'orders' })`. */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { audience = 'orders', now = Date.now } = options;
  const key = options.key ?? (await generateSigningKey());
  const jwks = { keys: [publicJwkOf(key)] };
  const tokenRequests: TokenRequestSeen[] = [];
  const send = (response: ServerResponse, status: number, type: string, body: object): void => {
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
  };
  const respond: Respond = (request, response) => {
    if (request.url === '/.well-known/jwks.json') {
      send(response, 200, 'application/jwk-set+json', jwks);
    } else if (request.url === '/oauth2/token' && request.method === 'POST') {
      const header = (name: string): string | undefined => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      const headers = { traceparent: header('traceparent'), dpop: header('dpop') };
      void formOf(request)
        .then((form) =>
          answerTokenRequest(form, headers, {
            keys: jwks.keys,
            issuer,
            mint,
            onRequest: (seen) => tokenRequests.push(seen),
            now: now() / 1_000,
          }),
        )
        .then(
          ({ status, body }) => {
            send(response, status, 'application/json', body);
          },
          () => {
            send(response, 500, 'application/json', { error: 'server_error' });
          },
        );
    } else {
      send(response, 404, 'application/json', {});
    }
  };
  const served = options.listen === true ? await serve(respond) : undefined;
  const issuer = served?.url ?? options.issuer ?? 'https://issuer.test';
  const mint = async (requested: TestTokenOptions = {}): Promise<string> => {
    const issuedAt = Math.floor(now() / 1_000);
    const isPerson = requested.kind === 'person';
    const clientId = requested.clientId ?? (isPerson ? 'test-client' : (requested.subject ?? 'test-client'));
    const signedInAgo = requested.signedInAgo ?? (isPerson ? 0 : undefined);
    const claims: Record<string, unknown> = {
      iss: issuer,
      sub: requested.subject ?? (isPerson ? `person:${randomUUID()}` : clientId),
      aud: requested.audience ?? audience,
      exp: issuedAt + (requested.lifetime ?? 300),
      iat: Math.min(issuedAt, issuedAt + (requested.lifetime ?? 300) - 1),
      jti: randomUUID(),
      client_id: clientId,
      scope: (requested.scopes ?? []).join(' '),
      kind: requested.kind,
      roles: requested.roles,
      auth_time: signedInAgo === undefined ? undefined : issuedAt - signedInAgo,
      acr: requested.acr,
      amr: requested.amr,
      ...requested.claims,
    };
    const signer = requested.key ?? key;
    return signJwt({ kid: signer.kid, typ: ACCESS_TOKEN_TYP, ...requested.header }, claims, signer);
  };
  return {
    key,
    issuer,
    jwks,
    fetch: () => Promise.resolve(Response.json(jwks)),
    mint,
    tokenRequests,
    close: () =>
      new Promise((resolve) => {
        if (served === undefined) resolve();
        else
          served.server.close(() => {
            resolve();
          });
      }),
  };
}
