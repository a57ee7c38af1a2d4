import { uuidv7 } from '@countersign/audit-event';
import { DATABASE, unattended, byItself, type Database } from '@countersign/service-host';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { type NewDelegation } from './delegation.js';
import { Delegations } from './delegations.service.js';

describe('a delegation', () => {
  let issuer: IssuerUnderTest;
  let delegations: Delegations;
  let database: Database;
  const who = byItself(unattended({ clientId: 'planner' }));

  beforeAll(async () => {
    issuer = await startIssuer();
    const [app] = issuer.apps;
    if (app === undefined) throw new Error('no issuer');
    delegations = app.get(Delegations);
    database = app.get(DATABASE);
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
    return database.transaction((transaction) => delegations.begin(transaction, delegation, who));
  };
  const eventsOf = async (txn: string): Promise<readonly unknown[]> => {
    const { rows } = await issuer.database.query<{ type: string }>(
      `select event->>'type' as type from audit_outbox where event->'data'->>'txn' = $1 order by position`,
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
});
