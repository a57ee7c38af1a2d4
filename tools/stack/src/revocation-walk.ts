import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createTokenClient } from '@countersign/auth-core';
import { z } from 'zod';
import { type Stack } from './stack.js';

/** A route of each service that the token's client may read. */
const routes = {
  payments: { path: '/payments', client: 'storefront', scope: 'payments:read' },
  accounts: { path: '/accounts/00000000-0000-7000-8000-000000000000', client: 'storefront', scope: 'accounts:read' },
  audit: { path: '/events', client: 'auditor', scope: 'audit:read' },
  issuer: { path: '/admin/revocations', client: 'operator', scope: 'issuer:admin' },
} as const;
type Audience = keyof typeof routes;
const audiences = Object.keys(routes).filter((name): name is Audience => name in routes);

/** The tests of revocation, on a stack whose audit refuses what it cannot check. They revoke its first signing key: the last that it is used for. */
export function walkRevocation(stackOf: () => Stack): void {
  const newToken = async (audience: Audience): Promise<string> => {
    const { client, scope } = routes[audience];
    const key = stackOf().identities.clients[client];
    const tokens = createTokenClient({ issuer: stackOf().urls.issuer, clientId: client, key });
    return (await tokens.getToken({ audience, scopes: [scope] })).token;
  };
  async function codeOf(audience: Audience, token: string): Promise<string> {
    const response = await fetch(`${stackOf().urls[audience]}${routes[audience].path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { code = '' } = z.looseObject({ code: z.string().optional() }).parse(await response.json());
    return response.status < 300 || response.status === 404 ? 'accepted' : code;
  }
  async function eventually(audience: Audience, token: string, wanted: string): Promise<string> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const code = await codeOf(audience, token);
      if (code === wanted || Date.now() > deadline) return code;
      await delay(20);
    }
  }
  /** The first answer that is no acceptance. */
  async function refusalOf(audience: Audience, token: string, limitMs = 20_000): Promise<string> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const code = await codeOf(audience, token);
      if (code !== 'accepted' || Date.now() > deadline) return code;
      await delay(20);
    }
  }
  /** The answer to a new token, once one is accepted or the time is up. */
  async function answerToNew(audience: Audience, limitMs = 20_000): Promise<string> {
    for (const deadline = Date.now() + limitMs; ; await delay(50)) {
      const code = await codeOf(audience, await newToken(audience));
      if (code === 'accepted' || Date.now() > deadline) return code;
    }
  }
  async function admin(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${stackOf().urls.issuer}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await newToken('issuer')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.status).toBeLessThan(300);
    return z.record(z.string(), z.unknown()).parse(await response.json());
  }
  const jtiOf = (token: string): string =>
    z.looseObject({ jti: z.string() }).parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
      .jti;
  const revoke = (token: string): Promise<unknown> => admin('/admin/revocations', { kind: 'token', jti: jtiOf(token) });
  async function feedOf(service: Audience): Promise<unknown> {
    const report: unknown = await (await fetch(`${stackOf().urls[service]}/health/ready`)).json();
    return z.object({ notes: z.looseObject({ revocation_feed: z.looseObject({ state: z.string() }) }) }).parse(report)
      .notes.revocation_feed.state;
  }

  it('refuses a revoked token at the service that it is for, though it was verified before', async () => {
    for (const audience of audiences) {
      const token = await newToken(audience);
      expect([audience, await codeOf(audience, token)]).toEqual([audience, 'accepted']);
      await revoke(token);
      expect([audience, await eventually(audience, token, 'TOKEN_REVOKED')]).toEqual([audience, 'TOKEN_REVOKED']);
    }
    const metrics = await (await fetch(`${stackOf().urls.payments}/metrics`)).text();
    expect(metrics).toMatch(/^revocation_feed_current\{.*\} 1$/m);
    expect(metrics).toMatch(/^revocation_feed_delay_seconds_count\{.*\} [1-9]/m);
  }, 60_000);

  it("refuses a client's and a subject's tokens everywhere, and takes those that were issued later", async () => {
    for (const requested of [
      { kind: 'client', client_id: 'storefront' },
      { kind: 'subject', subject: 'storefront' },
    ]) {
      const tokens = { payments: await newToken('payments'), accounts: await newToken('accounts') };
      await admin('/admin/revocations', requested);
      expect(await eventually('payments', tokens.payments, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
      expect(await eventually('accounts', tokens.accounts, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
      // A token that was issued in the same second is refused with those before it.
      expect(await answerToNew('payments')).toBe('accepted');
    }
  }, 60_000);

  /** How many revocations the issuer has pushed to the service. */
  async function pushedTo(service: Audience): Promise<number> {
    const metrics = await (await fetch(`${stackOf().urls[service]}/metrics`)).text();
    return Number(/^revocation_feed_delay_seconds_count\{.*\} (\d+)$/m.exec(metrics)?.[1]);
  }
  /**
   * Has the service remember for ten seconds that the issuer did not accept the key, and then enables it: the feed must make it ask again.
   * @returns each answer since the feed brought that, up to the first acceptance
   */
  async function answersSinceEnabled(id: string, key: string): Promise<readonly string[]> {
    expect(await eventually('payments', key, 'API_KEY_INVALID')).toBe('API_KEY_INVALID');
    const pushed = await pushedTo('payments');
    await admin(`/admin/api-keys/${id}/enable`, {});
    const answers: string[] = [];
    for (const deadline = Date.now() + 30_000; Date.now() < deadline && (await pushedTo('payments')) === pushed;)
      await delay(20);
    for (const deadline = Date.now() + 30_000; Date.now() < deadline && answers.at(-1) !== 'accepted'; await delay(50))
      answers.push(await codeOf('payments', key));
    return answers;
  }

  it('refuses an API key that a service had accepted once it is disabled or revoked, and accepts it once it is enabled', async () => {
    const wanted = { client_id: 'storefront', name: 'end to end', audiences: { payments: ['payments:read'] } };
    const { id, api_key: key } = z
      .object({ id: z.string(), api_key: z.string() })
      .parse(await admin('/admin/api-keys', wanted));
    expect(await eventually('payments', key, 'accepted')).toBe('accepted');
    expect(await codeOf('payments', key)).toBe('accepted');
    await admin(`/admin/api-keys/${id}/disable`, {});
    expect(['TOKEN_REVOKED', 'API_KEY_INVALID']).toContain(await refusalOf('payments', key));
    const answers = await answersSinceEnabled(id, key);
    expect(answers).not.toContain('API_KEY_INVALID');
    expect(answers.at(-1)).toBe('accepted');
    const rotated = await admin(`/admin/api-keys/${id}/rotate`, { grace_seconds: 0 });
    expect(['TOKEN_REVOKED', 'API_KEY_INVALID']).toContain(await refusalOf('payments', key));
    const successor = z.string().parse(rotated['api_key']);
    expect(await eventually('payments', successor, 'accepted')).toBe('accepted');
    await admin(`/admin/api-keys/${z.string().parse(rotated['id'])}/revoke`, { reason: 'leaked' });
    expect(['TOKEN_REVOKED', 'API_KEY_INVALID']).toContain(await refusalOf('payments', successor));
    expect(['TOKEN_REVOKED', 'API_KEY_INVALID']).toContain(await codeOf('payments', successor));
  }, 90_000);

  it('while NATS is unavailable: continues or refuses as each service is configured, and misses nothing that is revoked in the meantime', async () => {
    const [token, seen] = [await newToken('payments'), await newToken('audit')];
    expect([await codeOf('payments', token), await codeOf('audit', seen)]).toEqual(['accepted', 'accepted']);
    await stackOf().nats.stop();
    expect(await eventually('audit', seen, 'REVOCATIONS_UNAVAILABLE')).toBe('REVOCATIONS_UNAVAILABLE');
    expect((await fetch(`${stackOf().urls.audit}/health/ready`)).status).toBe(503);
    const answer = await admin('/admin/revocations', { kind: 'token', jti: jtiOf(token) });
    expect(answer['pushed']).toBe(false);
    expect([await codeOf('payments', token), await feedOf('payments')]).toEqual(['accepted', 'lost']);
    await stackOf().nats.start();
    expect(await eventually('payments', token, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
    expect(await eventually('audit', seen, 'accepted')).toBe('accepted');
  }, 90_000);

  it('rebuilds a lost bucket from the database: a service that starts afterwards knows what was revoked before', async () => {
    const token = await newToken('payments');
    await revoke(token);
    expect(await eventually('payments', token, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
    await stackOf().nats.stop();
    stackOf().nats.wipe();
    await stackOf().nats.start();
    expect(await codeOf('payments', token)).toBe('TOKEN_REVOKED');
    await stackOf().stopService('payments', 'SIGKILL');
    await stackOf().startService('payments');
    expect(await eventually('payments', token, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
    const later = await newToken('payments');
    await revoke(later);
    expect(await eventually('payments', later, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
  }, 120_000);

  it('refuses everything that a revoked key signed, at services that fetched the key before', async () => {
    const token = await newToken('payments');
    expect(await codeOf('payments', token)).toBe('accepted');
    const { kid } = z
      .looseObject({ kid: z.string() })
      .parse(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()));
    await admin(`/admin/keys/${kid}/revoke`);
    expect(await eventually('payments', token, 'TOKEN_REVOKED')).toBe('TOKEN_REVOKED');
    const fresh = await newToken('payments');
    expect(await eventually('payments', fresh, 'accepted')).toBe('accepted');
  }, 60_000);
}
