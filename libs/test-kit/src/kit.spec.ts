import { defineEvents } from '@countersign/audit-event';
import { TokenError } from '@countersign/auth-core';
import { createAuditProbe } from './audit-probe.js';
import { createFakeClock } from './fake-clock.js';
import { countersignMatchers } from './matchers.js';
import { createTestIssuer } from './test-issuer.js';

expect.extend(countersignMatchers);

const orders = defineEvents({
  source: 'orders',
  kinds: { order: 'UUID' },
  events: { 'order.seen': { when: 'Always.', action: ['order:read', 'order:write'], resource: 'order' } },
});
const event = (action: 'order:read' | 'order:write', outcome: 'allowed' | 'denied', id = '7') => {
  const principal = { subject: 'ada', client_id: 'shop', actors: [], scopes: [], jti: '1' };
  return orders.event('order.seen', { principal, txn: null }, { id, action, outcome });
};

describe('toBeRefusedWith', () => {
  it('reads the code wherever a refusal puts it', async () => {
    const code = 'TOKEN_EXPIRED';
    const refused: readonly unknown[] = [
      () => {
        throw new TokenError(code);
      },
      () => Promise.reject(new TokenError(code)),
      new Response(JSON.stringify({ code }), { status: 401 }),
      { statusCode: 401, json: () => ({ code }) },
      { status: 401, body: { code } },
      { err: { code } },
      { event: 'exception', data: { code } },
      { data: null, errors: [{ extensions: { code } }] },
    ];
    for (const one of refused) await expect(one).toBeRefusedWith(code);
  });

  it('fails for another code and for what was let in', async () => {
    await expect(expect({ code: 'KEY_UNKNOWN' }).toBeRefusedWith('TOKEN_EXPIRED')).rejects.toThrow(
      /the code is KEY_UNKNOWN/,
    );
    await expect(expect(new Response('{}')).toBeRefusedWith('TOKEN_EXPIRED')).rejects.toThrow(/was not refused/);
    await expect(expect(() => 'fine').toBeRefusedWith('TOKEN_EXPIRED')).rejects.toThrow(/was not refused/);
    await expect({ code: 'KEY_UNKNOWN' }).not.toBeRefusedWith('TOKEN_EXPIRED');
  });
});

describe('the fake clock', () => {
  it('only moves when a test moves it', () => {
    const clock = createFakeClock(1_000);
    clock.advance(500);
    expect([clock.now(), clock.date().getTime()]).toEqual([1_500, 1_500]);
    clock.set(new Date(7));
    expect(clock.now()).toBe(7);
  });

  it('measures what has passed, whatever the machine’s clock is set to', () => {
    const clock = createFakeClock();
    clock.advance(500);
    clock.set(0);
    clock.advance(-1_000);
    clock.advance(250);
    expect([clock.monotonic(), clock.now()]).toEqual([750, -750]);
  });
});

describe('the audit probe', () => {
  it('keeps what a service records, checked as the real outbox checks it', async () => {
    const probe = createAuditProbe({ source: 'orders', now: () => 0 });
    await probe.record({}, event('order:read', 'allowed'));
    await probe.recordDurably(event('order:write', 'denied'));
    expect(probe.only({ action: 'order:read', subject: 'ada' })).toMatchObject({
      source: 'orders',
      time: '1970-01-01T00:00:00.000Z',
    });
    expect(probe.find({ outcome: 'denied' })).toHaveLength(1);
    expect(() => probe.only({})).toThrow(/2 events match .*order:read allowed on order\/7 by ada/s);
    await expect(async () => probe.recordDurably(event('order:read', 'allowed', '7\u0000'))).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    probe.clear();
    expect(probe.events).toEqual([]);
  });

  it('can fail as a database does', async () => {
    const probe = createAuditProbe();
    probe.failNext(new Error('away'));
    await expect(probe.recordDurably(event('order:read', 'allowed'))).rejects.toThrow('away');
    await expect(probe.recordDurably(event('order:read', 'allowed'))).resolves.toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("the listening issuer's token endpoint", () => {
  it('grants client credentials and exchanges only its own tokens', async () => {
    const issuer = await createTestIssuer({ audience: 'payments', listen: true });
    const ask = async (form: Record<string, string>): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${issuer.issuer}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
      return (await answer.json()) as Record<string, unknown>;
    };
    const exchange = (subject_token: string) =>
      ask({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'payments',
        subject_token,
        audience: 'accounts',
        scope: 'transfers:create',
      });
    const granted = await ask({
      grant_type: 'client_credentials',
      client_id: 'shop',
      audience: 'payments',
      scope: 'a b',
    });
    expect(granted).toMatchObject({ token_type: 'Bearer', scope: 'a b' });
    const { access_token } = await exchange(String(granted['access_token']));
    const claims: unknown = JSON.parse(Buffer.from(String(access_token).split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ sub: 'shop', aud: 'accounts', act: { sub: 'payments' }, scope: 'transfers:create' });
    const stranger = await createTestIssuer();
    expect(await exchange(await stranger.mint())).toEqual({ error: 'invalid_grant' });
    expect(issuer.tokenRequests.map(({ grantType, clientId }) => [grantType.split(':').at(-1), clientId])).toEqual([
      ['client_credentials', 'shop'],
      ['token-exchange', 'payments'],
      ['token-exchange', 'payments'],
    ]);
    await issuer.close();
  });
});
