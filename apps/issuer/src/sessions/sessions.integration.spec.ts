import { SignInLimit } from '../limits/sign-in-limit.service.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn } from '../testing/signed-in.js';
import { Sessions } from './sessions.service.js';
import { SessionsStore } from './sessions.store.js';

describe('sessions', () => {
  let issuer: IssuerUnderTest;
  const app = (replica = 0) => {
    const found = issuer.apps[replica];
    if (found === undefined) throw new Error('no such replica');
    return found;
  };
  const whoHas = async (cookie: string, replica = 0) =>
    (await app(replica).get(Sessions).of({ headers: { cookie } }))?.person.name;

  beforeAll(async () => {
    issuer = await startIssuer({ RATE_LIMIT_SIGN_IN_PER_MINUTE: '3' }, 2);
  });
  afterAll(async () => {
    await issuer.stop();
  });

  it('are known at every replica, by the cookie only', async () => {
    const { cookie, session } = await signedIn(app(), issuer.url);
    expect(await whoHas(cookie)).toBe('Ada Lovelace');
    expect(await whoHas(cookie, 1)).toBe('Ada Lovelace');
    expect(await whoHas(`countersign-session=${session.id}`)).toBeUndefined();
    const { rows } = await issuer.database.query('select * from session');
    expect(JSON.stringify(rows)).not.toContain(cookie.split('=')[1]);
  });

  it.each([
    ['unused for too long', `seen_at = now() - interval '61 minutes'`],
    ['too old, however much they are used', `created_at = now() - interval '12 hours 1 minute'`],
    ['ended', `ended_at = now(), ended_by = 'sign-out'`],
  ])('end when they are %s', async (_why, change) => {
    const { cookie, session } = await signedIn(app(), issuer.url);
    expect(await whoHas(cookie)).toBeDefined();
    await issuer.database.query(`update session set ${change} where id = $1`, [session.id]);
    expect(await whoHas(cookie)).toBeUndefined();
    expect(await whoHas(cookie, 1)).toBeUndefined();
  });

  it('are of no use to a disabled person', async () => {
    const { cookie, session } = await signedIn(app(), issuer.url, 'disabled');
    await issuer.database.query(`update person set disabled_at = now(), disabled_by = 'operator' where id = $1`, [
      session.person.id,
    ]);
    expect(await whoHas(cookie)).toBeUndefined();
  });

  it('stay alive by being used', async () => {
    const { cookie, session } = await signedIn(app(), issuer.url);
    await issuer.database.query(`update session set seen_at = now() - interval '50 minutes' where id = $1`, [
      session.id,
    ]);
    await whoHas(cookie);
    const { rows } = await issuer.database.query(
      `select now() - seen_at < interval '5 minutes' as seen from session where id = $1`,
      [session.id],
    );
    expect(rows).toEqual([{ seen: true }]);
  });

  it('are deleted a day after they ended, however they ended, and not before', async () => {
    const aged = async (change: string): Promise<string> => {
      const { session } = await signedIn(app(), issuer.url);
      await issuer.database.query(`update session set ${change} where id = $1`, [session.id]);
      return session.id;
    };
    const ago = (hours: number) => `now() - interval '${String(hours)} hours'`;
    const used = (began: number, last: number) => `created_at = ${ago(began)}, seen_at = ${ago(last)}`;
    const kept = [await aged(used(11, 0)), await aged(used(4, 3)), await aged(used(13, 2))];
    const over = [
      await aged(used(27, 26)),
      await aged(used(40, 28)),
      await aged(`${used(30, 29)}, ended_at = ${ago(29)}, ended_by = 'admin'`),
    ];
    const times = { idle: 3_600, life: 43_200 };
    await app()
      .get(SessionsStore)
      .forget(new Date(Date.now() - 86_400_000), times);
    const { rows } = await issuer.database.query<{ id: string }>('select id from session where id = any ($1)', [
      [...kept, ...over],
    ]);
    expect(rows.map(({ id }) => id).sort()).toEqual([...kept].sort());
  });

  it('are of one person for one subject of a provider, whose name and roles are refreshed at each sign-in', async () => {
    const [first, again] = [
      await signedIn(app(), issuer.url, 'grace', { name: 'Grace', roles: ['auditor'] }),
      await signedIn(app(), issuer.url, 'grace', { name: 'Grace Hopper', roles: [] }),
    ];
    expect(again.session.person.id).toBe(first.session.person.id);
    expect(again.session.person).toMatchObject({ name: 'Grace Hopper', roles: [] });
    expect(await whoHas(first.cookie)).toBe('Grace Hopper');
  });

  it('begin with sign-ins, which are limited per network across all replicas', async () => {
    const spend = (address: string, replica: number) => app(replica).get(SignInLimit).spend(address);
    for (const replica of [0, 1, 0]) await spend('192.0.2.1', replica);
    await expect(spend('192.0.2.1', 1)).rejects.toMatchObject({ status: 429, code: 'TOO_MANY_SIGN_INS' });
    await expect(spend('192.0.2.2', 1)).resolves.toBeUndefined();
  });

  it('cannot begin if no provider is configured, and a page says so', async () => {
    const answer = await fetch(`${issuer.url}/sign-in`);
    expect([answer.status, (await answer.text()).includes('PROVIDERS_FILE')]).toEqual([503, true]);
    expect((await fetch(`${issuer.url}/account`, { redirect: 'manual' })).status).toBe(303);
  });
});

describe('sessions of a minute', () => {
  it('stay alive by being used twice in it', async () => {
    const issuer = await startIssuer({ SESSION_IDLE_SECONDS: '60' });
    try {
      const [app] = issuer.apps;
      if (app === undefined) throw new Error('no replica');
      const { cookie, session } = await signedIn(app, issuer.url);
      await issuer.database.query(`update session set seen_at = now() - interval '40 seconds' where id = $1`, [
        session.id,
      ]);
      await app.get(Sessions).of({ headers: { cookie } });
      const { rows } = await issuer.database.query(
        `select now() - seen_at < interval '20 seconds' as seen from session where id = $1`,
        [session.id],
      );
      expect(rows).toEqual([{ seen: true }]);
    } finally {
      await issuer.stop();
    }
  });
});
