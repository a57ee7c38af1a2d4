import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier, TokenError } from '@countersign/auth-core';
import { DATABASE, type Database } from '@countersign/service-host';
import { jest } from '@jest/globals';
import { Replica } from './replica.service.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

/** Active keys that the load must have met: two rotations. */
const KEYS = 3;
/** Milliseconds within which it must. */
const LIMIT_MS = 90_000;

/** Milliseconds for which a key is published before it signs: twice the life of a JWKS. */
const PUBLISHED_MS = 2_000;

/** A validator of the replica's keys that knows how old they are: on a busy machine they may be older than it means them to be. */
async function validatorOf(issuer: string, replica: string) {
  let [keysFrom, asked] = [Date.now(), Date.now()];
  const validator = await createVerifier({
    issuer,
    audience: 'payments',
    jwksUrl: `${replica}/.well-known/jwks.json`,
    refreshIntervalSeconds: 1,
    fetch(url, init) {
      // The one before has been taken in by now.
      [keysFrom, asked] = [asked, Date.now()];
      return fetch(url, init);
    },
  });
  return {
    close: () => {
      validator.close();
    },
    /** @throws {TokenError} when it refuses the token although it asked for keys in time */
    async clientOf(token: string): Promise<string> {
      for (;;) {
        try {
          return validator.verify(token).clientId;
        } catch (error) {
          const isLate = Date.now() - keysFrom > PUBLISHED_MS;
          if (!isLate || !(error instanceof TokenError) || error.code !== 'KEY_UNKNOWN') throw error;
          await delay(50);
        }
      }
    },
  };
}

describe('two replicas on one database, under load, while keys rotate', () => {
  let issuer: IssuerUnderTest;

  beforeAll(async () => {
    issuer = await startIssuer(
      // Each pair has one failure by design; on a quick machine that is more than a network may make in a minute.
      { JWKS_LIFETIME_SECONDS: '1', KEY_ROTATION_SECONDS: '2', RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000' },
      2,
    );
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('issue no token that a validator refuses, and accept no assertion twice', async () => {
    const [here = '', there = ''] = issuer.urls;
    const validators = await Promise.all(issuer.urls.map((replica) => validatorOf(issuer.url, replica)));
    const kids = new Set<string>();
    const outcomes = new Map<string, number>();
    const end = Date.now() + LIMIT_MS;
    async function worker(): Promise<void> {
      while (kids.size < KEYS && Date.now() < end) {
        const signed = await issuer.credentials();
        const form = { audience: 'payments', scope: 'payments:create', ...signed };
        const answers = await Promise.all([issuer.token(form, here), issuer.token(form, there)]);
        const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
        const outcome = statuses.join(' ');
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        const token = String(answers.find(({ status }) => status === 200)?.body['access_token']);
        kids.add(
          String((JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid),
        );
        for (const validator of validators) expect(await validator.clientOf(token)).toBe('shop');
      }
    }
    await Promise.all([worker(), worker(), worker(), worker()]);
    for (const validator of validators) validator.close();
    expect([...outcomes.keys()]).toEqual(['200 401']);
    expect(kids.size).toBeGreaterThanOrEqual(KEYS);
  }, 120_000);

  it('refresh once for all requests at the same time', async () => {
    const database = issuer.app.get<Database>(DATABASE);
    const replica = issuer.app.get(Replica);
    const loads = jest.spyOn(database, 'transaction');
    await Promise.all(Array.from({ length: 200 }, () => replica.refresh()));
    const { length } = loads.mock.calls;
    loads.mockRestore();
    // Two, and what the background does meanwhile.
    expect(length).toBeLessThan(20);
  });

  it('have one active key and one record of each rotation', async () => {
    await delay(100);
    const active = await issuer.database.query(`select 1 from signing_key where state = 'active'`);
    expect(active.rowCount).toBe(1);
    const { rows } = await issuer.database.query<{ subject: string; count: string }>(
      `select event->>'subject' as subject, count(*) from audit_outbox_event
       where event->>'type' = 'countersign.issuer.signing-key.activated.v1' group by 1 having count(*) > 1`,
    );
    expect(rows).toEqual([]);
  });
});
