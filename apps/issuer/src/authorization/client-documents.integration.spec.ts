import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { newPkce } from '@countersign/people-provider';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { hiddenFields, open, submit } from '../testing/visit.js';

const tokenSchema = z.object({ access_token: z.string() });
const previewSchema = z.object({ tokens: z.object({ live: z.number() }), delegations: z.number() });
const activeSchema = z.object({ active: z.boolean() });

describe('a client that describes itself at its own URL', () => {
  let issuer: IssuerUnderTest;
  let ada: SignedIn;
  let server: Server;
  let origin: string;
  const fetched: string[] = [];
  const { challenge, verifier } = newPkce();
  const redirect = 'https://chat.example/cb';

  const document = (path: string, change: object = {}) => ({
    client_id: origin + path,
    client_name: 'Chat',
    redirect_uris: [redirect],
    jwks_uri: 'https://not.read.example/',
    ...change,
  });
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/chat.json': (response) => json(response, document('/chat.json')),
    '/fresh.json': (response) => json(response, document('/fresh.json')),
    '/other.json': (response) => json(response, document('/chat.json')),
    '/secret.json': (response) =>
      json(response, document('/secret.json', { token_endpoint_auth_method: 'client_secret_basic' })),
    '/odd.json': (response) => json(response, document('/odd.json', { redirect_uris: ['http://chat.example/cb'] })),
    '/large.json': (response) => json(response, document('/large.json', { more: 'x'.repeat(10_000) })),
    '/text.json': (response) =>
      response.setHeader('content-type', 'text/html').end(JSON.stringify(document('/text.json'))),
    '/broken.json': (response) => response.setHeader('content-type', 'application/json').end('{'),
    '/moved.json': (response) => response.writeHead(302, { location: '/chat.json' }).end(),
    '/missing.json': (response) => response.writeHead(404).end(),
  };
  const json = (response: ServerResponse, content: object): void => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(content));
  };
  const template = () => ({
    client_id: 'described',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    metadata_documents: { origins: [origin] },
    policy: { people: { payments: ['payments:read'] } },
  });

  beforeAll(async () => {
    server = createServer((request, response) => {
      fetched.push(request.url ?? '');
      (answers[request.url ?? ''] ?? ((unknown: ServerResponse) => unknown.writeHead(404).end()))(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    issuer = await startIssuer({ CLIENT_DOCUMENT_TARGETS: 'any' });
    ada = await signedIn(issuer.app, issuer.url);
  }, 120_000);
  afterAll(async () => {
    server.close();
    await issuer.stop();
  }, 60_000);

  const visit = (client_id: string, redirect_uri = redirect, change = {}, at = issuer.url) => {
    const request = { response_type: 'code', client_id, redirect_uri, scope: 'payments:read', resource: 'payments' };
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    const query = new URLSearchParams({ ...request, ...pkce, ...change }).toString();
    return open(`${at}/oauth2/authorize?${query}`, ada);
  };
  const codeOf = async (client_id: string): Promise<string> => {
    const page = await visit(client_id, redirect, { prompt: 'consent' });
    const { location } = await submit(`${issuer.url}/consent`, { ...hiddenFields(page), decision: 'allow' }, ada);
    return location?.searchParams.get('code') ?? '';
  };
  const redeem = (client_id: string, code: string): Promise<Response> => {
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id };
    return fetch(`${issuer.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  };
  /** The person allows, and the client redeems. */
  const tokenOf = async (client_id: string): Promise<string> => {
    const answer = await redeem(client_id, await codeOf(client_id));
    expect(answer.status).toBe(200);
    return tokenSchema.parse(await answer.json()).access_token;
  };
  const isActive = async (token: string): Promise<boolean> => {
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const client_assertion = await issuer.assertion('payments');
    const body = new URLSearchParams({ token, client_assertion_type, client_assertion });
    const answer = await fetch(`${issuer.url}/oauth2/introspect`, { method: 'POST', body });
    return activeSchema.parse(await answer.json()).active;
  };
  const supported = async (): Promise<unknown> => {
    const metadata: unknown = await (await fetch(`${issuer.url}/.well-known/oauth-authorization-server`)).json();
    return new Map(Object.entries(metadata ?? {})).get('client_id_metadata_document_supported');
  };

  it('is unknown by default, and nothing is fetched', async () => {
    expect((await visit(`${origin}/chat.json`)).status).toBe(400);
    expect([await supported(), fetched]).toEqual([false, []]);
  });

  it('is known if a policy allows its origin: people are asked, and shown the host, which nobody can choose freely', async () => {
    expect((await issuer.admin('POST', '/admin/clients', template())).status).toBe(201);
    const client_id = `${origin}/chat.json`;
    const page = await visit(client_id);
    expect([page.status, await supported()]).toEqual([200, true]);
    for (const text of ['Chat', new URL(origin).host, 'chat.example', 'payments:read'])
      expect(page.text).toContain(text);
    expect(await isActive(await tokenOf(client_id))).toBe(true);
    expect(fetched).toEqual(['/chat.json']);
  });

  it('is informed of the fault at its redirect, and the trail names it', async () => {
    const wrong = await visit(`${origin}/chat.json`, redirect, { scope: 'payments:all' });
    expect(wrong.location?.searchParams.get('error')).toBe('invalid_scope');
    expect((await issuer.dataOf('authorization-request.refused')).at(-1)?.resource).toBe(`client/${origin}/chat.json`);
  });

  it('is ended by the person on their account page', async () => {
    const client_id = `${origin}/chat.json`;
    const token = await tokenOf(client_id);
    const fields = hiddenFields(await open(`${issuer.url}/account`, ada));
    expect(fields['client_id']).toBe(client_id);
    const end = () => submit(`${issuer.url}/account/applications/end`, fields, ada);
    expect((await end()).status).toBe(303);
    expect(await isActive(token)).toBe(false);
    expect((await end()).status).toBe(303);
  });

  it('is ended, found and revoked by administrators by its URL, as other clients are by name', async () => {
    const client_id = `${origin}/chat.json`;
    const token = await tokenOf(client_id);
    const query = new URLSearchParams({ client_id }).toString();
    const found = await issuer.admin('GET', `/admin/delegations?${query}`);
    expect([found.status, JSON.stringify(found.body)]).toEqual([200, expect.stringContaining(client_id)]);
    const preview = new URLSearchParams({ kind: 'client', name: client_id }).toString();
    expect((await issuer.admin('GET', `/admin/revocations/preview?${preview}`)).status).toBe(200);
    expect((await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id })).status).toBe(201);
    expect(await isActive(token)).toBe(false);
    const next = await tokenOf(client_id);
    const revoked = { kind: 'client', client_id: 'described' };
    expect((await issuer.admin('POST', '/admin/revocations', revoked)).status).toBe(201);
    expect(await isActive(next)).toBe(false);
  });

  it("is included in its policy's preview, and ends with the policy even if only a code is waiting", async () => {
    const preview = async () => {
      const query = new URLSearchParams({ kind: 'client', name: 'described' }).toString();
      const { body } = await issuer.admin('GET', `/admin/revocations/preview?${query}`);
      return previewSchema.parse(body);
    };
    const before = await preview();
    const token = await tokenOf(`${origin}/chat.json`);
    expect(await isActive(token)).toBe(true);
    const waiting = await codeOf(`${origin}/fresh.json`);
    const foretold = await preview();
    expect([foretold.tokens.live - before.tokens.live, foretold.delegations - before.delegations]).toEqual([1, 1]);
    const revoked = { kind: 'client', client_id: 'described' };
    expect((await issuer.admin('POST', '/admin/revocations', revoked)).status).toBe(201);
    expect(await isActive(token)).toBe(false);
    expect((await redeem(`${origin}/fresh.json`, waiting)).status).toBe(400);
    expect(await preview()).toMatchObject({ tokens: { live: 0 }, delegations: 0 });
    expect((await redeem(`${origin}/fresh.json`, await codeOf(`${origin}/fresh.json`))).status).toBe(200);
  });

  it('ends with its policy up to a time, and does not keep out meanwhile what it waits for', async () => {
    const clients = ['/chat.json', '/fresh.json'].map((path) => origin + path);
    for (const held of clients) {
      const tokens = [];
      for (const client of clients) tokens.push(await tokenOf(client));
      await issuer.database.query('begin');
      await issuer.database.query('select from delegation where client_id = $1 and ended_at is null for update', [
        held,
      ]);
      const revoked = { kind: 'client', client_id: 'described', issued_before: new Date().toISOString() };
      const answer = issuer.admin('POST', '/admin/revocations', revoked);
      const waits = async () => (await issuer.database.query('select from pg_locks where not granted')).rowCount ?? 0;
      while ((await waits()) === 0) await delay(10);
      // As another revocation would: it holds what the first waits for, and takes its turn.
      await issuer.database.query('update registry set revocations = revocations + 1');
      await issuer.database.query('commit');
      expect((await answer).status).toBe(201);
      expect(await Promise.all(tokens.map(isActive))).toEqual([false, false]);
    }
  });

  it('is redirected only where its document says', async () => {
    const { status, location } = await visit(`${origin}/chat.json`, 'https://evil.example/cb');
    expect([status, location]).toEqual([400, undefined]);
  });

  it.each(Object.keys(answers).filter((path) => !['/chat.json', '/fresh.json'].includes(path)))(
    'is not known by %s',
    async (path) => {
      expect((await visit(origin + path)).status).toBe(400);
      expect(fetched.at(-1)).toBe(path);
      const before = fetched.length;
      expect((await visit(origin + path)).status).toBe(400);
      expect(fetched).toHaveLength(before);
    },
  );

  it('is not fetched from an origin that no policy allows, or from an odd URL', async () => {
    const before = fetched.length;
    const { host } = new URL(origin);
    for (const address of [
      origin.replace('127.0.0.1', 'localhost') + '/chat.json',
      `http://x@${host}/chat.json`,
      `${origin}/`,
      `${origin}/a/../chat.json`,
      `${origin}/chat.json?x`,
      `${origin}/chat.json#x`,
      `${origin}/%2e%2e%2fchat.json`,
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
    ]) {
      expect((await visit(address)).status).toBe(400);
    }
    expect(fetched).toHaveLength(before);
  });

  it('is not fetched from a private address, unless that is configured, even if its origin is declared', async () => {
    const careful = await issuer.join({ CLIENT_DOCUMENT_TARGETS: 'public' });
    const before = fetched.length;
    expect((await visit(`${origin}/chat.json`, redirect, {}, careful)).status).toBe(400);
    expect(fetched).toHaveLength(before);
    expect((await visit(`${origin}/chat.json`)).status).not.toBe(400);
  });

  it('ends with its policy, including its tokens: when its origin is removed, and when the policy is disabled', async () => {
    const [first, elsewhere] = [await tokenOf(`${origin}/chat.json`), ['https://apps.example']];
    const narrower = { ...template(), metadata_documents: { origins: elsewhere } };
    expect((await issuer.admin('PUT', '/admin/clients/described', narrower)).status).toBe(200);
    expect(await isActive(first)).toBe(false);
    expect((await visit(`${origin}/chat.json`)).status).toBe(400);
    await issuer.admin('PUT', '/admin/clients/described', template());
    const second = await tokenOf(`${origin}/chat.json`);
    expect(await isActive(second)).toBe(true);
    await issuer.admin('POST', '/admin/clients/described/disable');
    expect(await isActive(second)).toBe(false);
    expect((await visit(`${origin}/chat.json`)).status).toBe(400);
  });

  it.each([
    [{ trusted: true }, 'must not be trusted'],
    [{ redirect_uris: [redirect] }, 'must not be combined with redirect_uris'],
    [{ metadata_documents: { origins: ['https://apps.example/path'] } }, 'must be an https origin'],
    [{ metadata_documents: { origins: ['http://apps.example'] } }, 'must be an https origin'],
    [{ metadata_documents: { origins: [] } }, 'metadata_documents'],
  ])('cannot be allowed by a policy that contradicts itself: %j', async (change, fault) => {
    const { status, body } = await issuer.admin('POST', '/admin/clients', {
      ...template(),
      client_id: 'odd',
      ...change,
    });
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining(fault)]);
  });
});
