import { randomBytes } from 'node:crypto';
import {
  createDpopProof,
  createVerifier,
  DpopNonces,
  generateSigningKey,
  thumbprintOf,
  type PrivateJwk,
} from '@countersign/auth-core';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe("a token bound to its requester's key", () => {
  let issuer: IssuerUnderTest;
  let key: PrivateJwk;
  const requested = { audience: 'payments', scope: 'payments:create' };

  const proof = (
    changes: { url?: string; method?: string; now?: () => number; nonce?: string } = {},
  ): Promise<string> | string =>
    createDpopProof({ key, method: 'POST', url: `${issuer.url}/oauth2/token`, ...changes });
  const ask = async (dpop: string | Promise<string>, at?: string): Promise<Answer> =>
    issuer.token(requested, at, { dpop: await dpop });

  beforeAll(async () => {
    [issuer, key] = await Promise.all([startIssuer({}, 2), generateSigningKey()]);
  }, 180_000);
  afterAll(async () => {
    await issuer.stop();
  }, 60_000);

  it('says so in its type and its claims, and is accepted by a service only with a proof', async () => {
    const { status, body } = await ask(proof());
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    const token = String(body['access_token']);
    const verifier = await createVerifier({ issuer: issuer.url, audience: 'payments' });
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'DPOP_PROOF_MISSING' }));
    const request = { method: 'POST', url: 'https://payments.test/payments' };
    const presented = { ...request, proof: await createDpopProof({ key, ...request, accessToken: token }) };
    const principal = await verifier.verifyWithProof(token, presented);
    expect(principal.confirmation).toEqual({ jkt: thumbprintOf(key) });
    verifier.close();
    const { rows } = await issuer.database.query<{ event: object }>(
      `select event from audit_outbox_event where event->'data'->'changes'->>'jti' = $1`,
      [principal.tokenId],
    );
    expect(rows).toMatchObject([{ event: { data: { changes: { bound_to: thumbprintOf(key) } } } }]);
  });

  it('requires a proof that works once across all replicas', async () => {
    const one = await proof();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => ask(one, issuer.urls[index % 2])));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
    expect(answers.find(({ status }) => status === 400)?.body['error']).toBe('invalid_dpop_proof');
    const { rows } = await issuer.database.query<{ reason: string }>(
      `select distinct event->'data'->>'reason' as reason from audit_outbox_event where event->'data'->>'outcome' = 'denied'`,
    );
    expect(rows.map(({ reason }) => reason)).toContain('DPOP_PROOF_REPLAYED');
  });

  it('is refused for a replayed proof, which does not use up the assertion that came with it', async () => {
    const used = await proof();
    expect((await ask(used)).status).toBe(200);
    const assertion = await issuer.credentials('shop');
    const again = async (dpop: string) =>
      issuer.token({ ...requested, grant_type: 'client_credentials', ...assertion }, undefined, { dpop });
    expect((await again(used)).body['error']).toBe('invalid_dpop_proof');
    expect((await again(await proof())).status).toBe(200);
    expect((await again(await proof())).body['error']).toBe('invalid_client');
  });

  it('is not issued for a proof for another URL, method or time, or without a proof', async () => {
    const bad = [
      proof({ url: `${issuer.url}/oauth2/revoke` }),
      proof({ method: 'GET' }),
      proof({ now: () => Date.now() - 600_000 }),
      'not.a.proof',
    ];
    for (const one of bad) {
      const { status, body } = await ask(one);
      expect([status, body['error']]).toEqual([400, 'invalid_dpop_proof']);
    }
  });

  it('is issued, if nonces are on, for a proof with a nonce of any replica; otherwise the response names the one to use', async () => {
    const secret = randomBytes(32);
    const strict = await issuer.join({ DPOP_NONCE_KEY: secret.toString('base64url') });
    for (const nonce of [undefined, 'mine', new DpopNonces({ key: randomBytes(32) }).current()]) {
      const { status, body, headers } = await ask(proof(nonce === undefined ? {} : { nonce }), strict);
      expect([status, body['error']]).toEqual([400, 'use_dpop_nonce']);
      const offered = headers.get('dpop-nonce') ?? '';
      expect((await ask(proof({ nonce: offered }), strict)).status).toBe(200);
    }
    const ofAnother = new DpopNonces({ key: secret }).current();
    expect((await ask(proof({ nonce: ofAnother }), strict)).status).toBe(200);
    expect((await issuer.token(requested, strict)).body['token_type']).toBe('Bearer');
  });

  it('is the only kind for a client whose policy requires it', async () => {
    const path = '/admin/clients/shop';
    const { body } = await issuer.admin('GET', path);
    const { client } = body as { client?: Record<string, unknown> };
    const registration = client ?? body;
    expect(registration).toHaveProperty('policy');
    const before = { ...(registration as { policy: object }).policy };
    const changed = {
      client_id: 'shop',
      jwks: (registration as { jwks: object }).jwks,
      policy: { ...before, dpop: 'required' },
    };
    expect((await issuer.admin('PUT', path, changed)).status).toBe(200);
    const without = await issuer.token(requested);
    expect([without.status, without.body['error']]).toEqual([400, 'invalid_dpop_proof']);
    expect((await ask(proof())).status).toBe(200);
    expect((await issuer.admin('PUT', path, { ...changed, policy: before })).status).toBe(200);
    expect((await issuer.token(requested)).body['token_type']).toBe('Bearer');
  });

  it('is exchanged by the service that it is meant for, without the key of its holder', async () => {
    const { body } = await ask(proof());
    const exchanged = await issuer.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: String(body['access_token']),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'accounts',
      scope: 'transfers:create',
      ...(await issuer.credentials('payments')),
    });
    expect([exchanged.status, exchanged.body['token_type']]).toEqual([200, 'Bearer']);
  });

  it('is announced in the metadata', async () => {
    const metadata: unknown = await (await fetch(`${issuer.url}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).toMatchObject({ dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']) as unknown });
  });
});
