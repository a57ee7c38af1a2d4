import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';

/** Who signs in, and what the issuer gives them. */
export interface Signing {
  readonly person: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The issuer's session (`sid`). */
  readonly session?: string;
}

interface Pushed {
  readonly parameters: URLSearchParams;
  readonly signing: Signing;
}

/** An issuer with the code flow, pushed requests and refresh tokens, for tests of relying parties: it trusts every client. */
export interface ConsoleIssuer {
  readonly url: string;
  readonly tokens: TestIssuer;
  /** What its endpoints were asked, oldest first. */
  readonly asked: { readonly path: string; readonly form: URLSearchParams }[];
  /** Seconds for which the next access tokens are valid. */
  lifetime: number;
  /** Follows the redirects to the issuer like a browser: @returns the URL that it is sent back to */
  signIn(location: string, signing: Signing): URL;
  /** Values of `Authorization` that its administration refuses, although they have not expired. */
  readonly refused: Set<string>;
  /** The refresh tokens that are valid now. */
  readonly refreshTokens: Set<string>;
  close(): void;
}

const secret = (): string => randomBytes(24).toString('base64url');

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return new URLSearchParams(body);
}

/** Starts it on a free port of the loopback address. */
export async function startConsoleIssuer(): Promise<ConsoleIssuer> {
  const requests = new Map<string, URLSearchParams>();
  const codes = new Map<string, Pushed>();
  const granted = new Map<string, Signing>();
  const asked: { path: string; form: URLSearchParams }[] = [];
  const refreshTokens = new Set<string>();
  const refused = new Set<string>();
  const state = { lifetime: 300 };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const url = `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}`;
  const tokens = await createTestIssuer({ issuer: url, audience: 'audit' });
  const metadata = {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    pushed_authorization_request_endpoint: `${url}/par`,
    revocation_endpoint: `${url}/revoke`,
    end_session_endpoint: `${url}/end-session`,
    jwks_uri: `${url}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: [tokens.key.alg],
    authorization_response_iss_parameter_supported: true,
  };

  async function tokensFor(signing: Signing, audience: string, nonce: string | undefined): Promise<object> {
    const { person, name, scopes, roles } = signing;
    const refresh = secret();
    refreshTokens.add(refresh);
    granted.set(refresh, signing);
    const common = { subject: person, clientId: 'console' };
    return {
      token_type: 'Bearer',
      expires_in: state.lifetime,
      refresh_token: refresh,
      access_token: await tokens.mint({ ...common, kind: 'person', audience, scopes, roles, lifetime: state.lifetime }),
      ...(nonce === undefined
        ? {}
        : {
            id_token: await tokens.mint({
              ...common,
              audience: 'console',
              claims: { name, nonce, ...(signing.session === undefined ? {} : { sid: signing.session }) },
              header: { typ: 'JWT' },
            }),
          }),
    };
  }

  async function tokenAnswer(form: URLSearchParams): Promise<[number, object]> {
    const audience = form.get('resource') ?? 'audit';
    if (form.get('grant_type') === 'refresh_token') {
      const used = form.get('refresh_token') ?? '';
      const signing = granted.get(used);
      if (!refreshTokens.delete(used) || signing === undefined) return [400, { error: 'invalid_grant' }];
      return [200, await tokensFor(signing, audience, undefined)];
    }
    const pushed = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (pushed === undefined || pushed.parameters.get('code_challenge') !== challenge)
      return [400, { error: 'invalid_grant' }];
    return [200, await tokensFor(pushed.signing, audience, pushed.parameters.get('nonce') ?? undefined)];
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (path.startsWith('/.well-known/oauth-authorization-server')) return send(200, metadata);
    if (path === '/.well-known/jwks.json') return send(200, tokens.jwks);
    // Audit looks for the revocation keys in the background: no test asked for that.
    if (path.startsWith('/.well-known/')) return send(404, {});
    const form = await formOf(request);
    asked.push({ path, form });
    if (path === '/par') {
      const reference = `urn:ietf:params:oauth:request_uri:${secret()}`;
      requests.set(reference, form);
      return send(201, { request_uri: reference, expires_in: 60 });
    }
    if (path === '/token') return send(...(await tokenAnswer(form)));
    if (path === '/admin/clients/endless') {
      response.on('close', () => asked.push({ path: 'closed', form }));
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
      };
      response.writeHead(200, { 'content-type': 'application/json' }).on('drain', more);
      more();
      return;
    }
    if (refused.has(request.headers.authorization ?? '')) return send(401, { code: 'KEY_REVOKED' });
    if (path === '/revoke') return send(200, {});
    return send(path.startsWith('/admin/') ? 200 : 404, { authorization: request.headers.authorization ?? null });
  }

  return {
    url,
    tokens,
    asked,
    refreshTokens,
    refused,
    get lifetime() {
      return state.lifetime;
    },
    set lifetime(seconds) {
      state.lifetime = seconds;
    },
    signIn(location, signing) {
      const parameters = requests.get(new URL(location).searchParams.get('request_uri') ?? '') ?? new URLSearchParams();
      const code = secret();
      codes.set(code, { parameters, signing });
      const back = new URL(parameters.get('redirect_uri') ?? 'http://nowhere.test/');
      back.search = new URLSearchParams({ code, state: parameters.get('state') ?? '', iss: url }).toString();
      return back;
    },
    close() {
      server.close();
    },
  };
}
