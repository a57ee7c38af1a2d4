import { uuidv7 } from '@countersign/audit-event';
import { unattended, byItself } from '@countersign/service-host';
import { delegationBegun } from '../testing/begun.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { delegationIdSchema, type NewDelegation } from './delegation.js';
import { DelegationUsesStore } from './delegation-uses.store.js';
import { Delegations } from './delegations.service.js';
import { DelegationsStore } from './delegations.store.js';

describe('a delegation', () => {
  let issuer: IssuerUnderTest;
  let delegations: Delegations;
  const who = byItself(unattended({ clientId: 'planner' }));

  beforeAll(async () => {
    issuer = await startIssuer();
    delegations = issuer.app.get(Delegations);
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const begin = async (change: Partial<NewDelegation> = {}) => {
    const now = new Date();
    const delegation = {
      id: delegations.newId(),
      personId: `person:${uuidv7()}`,
      clientId: 'planner',
      audience: 'payments',
      scopes: ['openid', 'payments:create'],
      sessionId: uuidv7(),
      authTime: now,
      acr: undefined,
      amr: ['pwd'],
      roles: ['treasurer'],
      nonce: 'n-1',
      dpopKey: undefined,
      createdAt: now,
      ...change,
    };
    return delegationBegun(issuer, delegation, who);
  };
  const eventsOf = async (txn: string): Promise<readonly unknown[]> => {
    const { rows } = await issuer.database.query<{ type: string }>(
      `select event->>'type' as type from audit_outbox_event where event->'data'->>'txn' = $1 order by position`,
      [txn],
    );
    return rows.map(({ type }) => type);
  };

  it('is kept as it began, with its event', async () => {
    const begun = await begin();
    expect(await delegations.find(begun.id)).toEqual(begun);
    expect(await delegations.ofPerson(begun.personId, 10)).toEqual([begun]);
    expect(await eventsOf(begun.id)).toEqual(['countersign.issuer.delegation.begun.v1']);
  });

  it('is deleted together with its uses', async () => {
    const uses = issuer.app.get(DelegationUsesStore);
    const [ended, living] = [await begin(), await begin()];
    const use = { clientId: 'planner', audience: 'payments', scope: 'openid', times: 1, first: 1, last: 2 };
    const usedOf = async (): Promise<readonly string[]> =>
      (await uses.of([ended.id, living.id])).map(({ delegationId }) => delegationId);
    await uses.add([ended, living].map(({ id }) => ({ ...use, delegationId: id })));
    expect(await usedOf()).toHaveLength(2);
    await delegations.end({ id: ended.id }, 'BY_PERSON', who);
    expect(await issuer.app.get(DelegationsStore).prune(new Date(Date.now() + 60_000), 1_000)).toBeGreaterThan(0);
    expect(await usedOf()).toEqual([living.id]);
  });

  it('shows its use even if another was used for very many services since', async () => {
    const uses = issuer.app.get(DelegationUsesStore);
    const [busy, quiet] = [await begin(), await begin()];
    const use = { clientId: 'planner', scope: 'openid', times: 1, first: 1 };
    const ofBusy = Array.from({ length: 1_001 }, (_, n) => ({
      ...{ ...use, delegationId: busy.id, audience: `service-${String(n)}`, last: 3 },
    }));
    await uses.add([...ofBusy, { ...use, delegationId: quiet.id, audience: 'payments', last: 2 }]);
    expect((await uses.of([busy.id, quiet.id])).at(-1)?.delegationId).toBe(quiet.id);
  });

  it('ends once: its transaction is revoked, the end recorded, and it is no longer among those of its person', async () => {
    const { id, personId } = await begin();
    const ends = await Promise.all([
      delegations.end({ id }, 'BY_PERSON', who),
      delegations.end({ id }, 'BY_PERSON', who),
    ]);
    expect(ends.flat().map((ended) => ended.id)).toEqual([id]);
    expect((await delegations.find(id))?.endedAt).toBeInstanceOf(Date);
    expect(await delegations.ofPerson(personId, 10)).toEqual([]);
    const { rows } = await issuer.database.query('select kind, client_id from revocation where name = $1', [id]);
    expect(rows).toEqual([{ kind: 'transaction', client_id: 'planner' }]);
    expect([...(await eventsOf(id))].sort()).toEqual([
      'countersign.issuer.delegation.begun.v1',
      'countersign.issuer.delegation.ended.v1',
      'countersign.issuer.transaction.revoked.v1',
    ]);
  });

  it('ends with its session, or with all that its person allowed one application, and no other ends', async () => {
    const personId = `person:${uuidv7()}`;
    const [first, second, third] = [
      await begin({ personId }),
      await begin({ personId, clientId: 'other' }),
      await begin({ personId }),
    ];
    const bySession = await delegations.end({ sessionId: first.sessionId }, 'SESSION_ENDED', who);
    expect(bySession.map(({ id }) => id)).toEqual([first.id]);
    const byClient = await delegations.end({ personId, clientId: 'planner' }, 'BY_PERSON', who);
    expect(byClient.map(({ id }) => id)).toEqual([third.id]);
    expect((await delegations.ofPerson(personId, 10)).map(({ id }) => id)).toEqual([second.id]);
  });

  describe('is administered', () => {
    const shown = async (query: string) => (await issuer.admin('GET', `/admin/delegations?${query}`)).body;

    it('in pages, newest first, by person and by application, each read recorded', async () => {
      const personId = `person:${uuidv7()}`;
      // Those of one millisecond have no order.
      const at = (ms: number) => ({ personId, id: delegationIdSchema.parse(uuidv7(Date.now() + ms)) });
      const all = [await begin(at(0)), await begin({ ...at(1_000), clientId: 'other' }), await begin(at(2_000))];
      const first = await shown(`person_id=${personId}&limit=2`);
      expect(first['delegations']).toMatchObject([
        { id: all[2]?.id, person_id: personId, person_name: null, client_id: 'planner', bound: false },
        { id: all[1]?.id, client_id: 'other' },
      ]);
      const next = await shown(`person_id=${personId}&cursor=${String(first['next_cursor'])}`);
      expect(next).toMatchObject({ delegations: [{ id: all[0]?.id }], next_cursor: null });
      expect(await shown(`person_id=${personId}&client_id=other`)).toMatchObject({ delegations: [{ id: all[1]?.id }] });
      expect((await issuer.admin('GET', '/admin/delegations?cursor=x')).status).toBe(400);
      const listed = await issuer.dataOf('delegations.listed');
      expect(listed.map(({ principal }) => principal?.subject)).toEqual(Array(3).fill('operator'));
    });

    it('with their expiry: offline ones are listed by expiry, up to a requested time', async () => {
      const personId = `person:${uuidv7()}`;
      const away = { personId, scopes: ['openid', 'offline_access', 'payments:create'] };
      const [old, young, online] = [await begin(away), await begin(away), await begin({ personId })];
      const now = Date.now();
      const days = (count: number): string => new Date(now + count * 86_400_000).toISOString();
      for (const [{ id }, begun, used] of [
        [old, -85, -1],
        [young, -80, -10],
        [online, -85, -1],
      ] as const)
        await issuer.database.query(
          `insert into refresh_family (delegation_id, salt, generation, rotations, begun_at, used_at) values ($1, 's', 1, $4, $2, $3)`,
          [id, days(begun), days(used), JSON.stringify([Date.parse(days(used))])],
        );
      expect(await shown(`person_id=${personId}&ends_before=${days(14)}`)).toMatchObject({
        delegations: [
          { id: old.id, ends_at: days(5), unused_ends_at: days(5) },
          { id: young.id, ends_at: days(10), unused_ends_at: days(4) },
        ],
        next_cursor: null,
      });
      expect((await shown(`person_id=${personId}&ends_before=${days(6)}`))['delegations']).toHaveLength(1);
      expect((await shown(`person_id=${personId}`))['delegations']).toHaveLength(3);
      const both = await issuer.admin('GET', `/admin/delegations?ends_before=${days(1)}&cursor=${old.id}`);
      expect(both.status).toBe(400);
    });

    it('by ending one: a repeat under its key gets the same answer, and an unknown one is refused and recorded', async () => {
      const { id, personId } = await begin();
      const key = { 'idempotency-key': 'end-it' };
      const path = `/admin/delegations/${id}/end`;
      const ended = await issuer.admin('POST', path, undefined, issuer.url, key);
      expect(ended).toMatchObject({ status: 200, body: { id, person_id: personId } });
      expect(ended.body['ended_at']).toEqual(expect.any(String));
      expect((await issuer.admin('POST', path, undefined, issuer.url, key)).body).toEqual(ended.body);
      expect(await shown(`person_id=${personId}`)).toMatchObject({ delegations: [] });
      expect((await eventsOf(id)).filter((type) => type === 'countersign.issuer.delegation.ended.v1')).toHaveLength(1);
      expect(await issuer.admin('POST', path)).toMatchObject({ status: 200, body: ended.body });
      expect((await issuer.dataOf('delegation.end_refused')).at(-1)?.reason).toBe('DELEGATION_ENDED');
      const unknown = await issuer.admin('POST', `/admin/delegations/${uuidv7()}/end`);
      expect(unknown).toMatchObject({ status: 404, body: { code: 'DELEGATION_UNKNOWN' } });
    });

    it('by ending more concurrently than there are database connections', async () => {
      const all = await Promise.all(Array.from({ length: 12 }, () => begin()));
      const ended = await Promise.all(all.map(({ id }) => issuer.admin('POST', `/admin/delegations/${id}/end`)));
      expect(ended.map(({ status }) => status)).toEqual(all.map(() => 200));
    });
  });

  describe('and everything else that a revocation would refuse is previewed', () => {
    const preview = async (kind: string, name: string) =>
      (await issuer.admin('GET', `/admin/revocations/preview?${new URLSearchParams({ kind, name }).toString()}`)).body;

    it('for a client: its live tokens until they are revoked, by service, without revoking anything', async () => {
      for (const scope of ['payments:create', 'payments:read']) {
        expect((await issuer.token({ audience: 'payments', scope })).status).toBe(200);
      }
      const before = await preview('client', 'shop');
      expect(before).toMatchObject({
        tokens: { live: 2, at_least: false, audiences: [{ audience: 'payments', live: 2 }] },
        delegations: 0,
        api_keys: 0,
      });
      expect(await preview('client', 'payments')).toMatchObject({ tokens: { live: 0, last_expires_at: null } });
      const keys = (await issuer.admin('GET', '/admin/keys')).body['keys'];
      const active = Array.isArray(keys) ? keys.find((one: { state: string }) => one.state === 'active') : undefined;
      // Those of the shop, and the administrator's own.
      expect(await preview('key', String(active?.kid))).toMatchObject({ tokens: { live: 3 } });
      const { rows } = await issuer.database.query(`select from revocation where kind = 'client' and name = 'shop'`);
      expect(rows).toEqual([]);
      await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'shop' });
      expect(await preview('client', 'shop')).toMatchObject({ tokens: { live: 0 } });
    });

    it('also when the log has the tokens already', async () => {
      const { body } = await issuer.token({ audience: 'payments', scope: 'payments:read' });
      const [, payload = ''] = String(body['access_token']).split('.');
      const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string };
      const inOutbox = await preview('token', jti);
      // As the relay does with a receipt.
      await issuer.database.query(`
        with gone as (select event from audit_outbox_event where event->'data'->'changes'->>'jti' is not null),
        deleted as (
          delete from audit_outbox_group
          where exists (select from string_to_table(events, E'\\n') as line where line::jsonb->'data'->'changes'->>'jti' is not null)
        )
        insert into audit_kept (first_sequence, last_sequence, events)
        select 1, count(*), string_agg(event::text, E'\n') from gone`);
      expect(inOutbox).toMatchObject({ tokens: { live: 1 } });
      expect(await preview('token', jti)).toEqual(inOutbox);
    });

    it('for a person and for one delegation: what would end with their tokens', async () => {
      const personId = `person:${uuidv7()}`;
      const { id } = await begin({ personId });
      await begin({ personId, clientId: 'other' });
      expect(await preview('subject', personId)).toMatchObject({ delegations: 2, sessions: 0, tokens: { live: 0 } });
      expect(await preview('transaction', id)).toMatchObject({ delegations: 1 });
      expect((await issuer.admin('GET', '/admin/revocations/preview?kind=all&name=x')).status).toBe(400);
    });
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining(['delegation.end_refused failed', 'revocation.previewed allowed']),
    );
  });
});
