import { startLedger, transfer, type LedgerUnderTest } from './testing/ledger-under-test.js';

const alice = { subject: 'alice' };

describe("what the ledger's database refuses even to the service's own role", () => {
  let ledger: LedgerUnderTest;
  beforeAll(async () => {
    ledger = await startLedger();
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(alice)];
    await ledger.fund(purse, '100');
    const hold = transfer(purse, merchant, '10', { hold: { expires_in_seconds: 600 } });
    await ledger.call('POST', '/transfers', alice, hold);
    await ledger.call('POST', `/transfers/${hold.id}/post`, alice);
  }, 120_000);
  afterAll(async () => {
    await ledger.stop();
  }, 60_000);

  const refused = (statement: string): Promise<void> =>
    expect(ledger.pool.query(statement)).rejects.toThrow(/append-only|permission denied|must be owner|ends once/);

  it.each(['entry', 'transfer', 'leg'])('cannot update, delete or truncate %s', async (table) => {
    const column = table === 'transfer' ? 'reference' : 'amount';
    await refused(`update ${table} set ${column} = ${column}`);
    await refused(`delete from ${table}`);
    await refused(`truncate ${table} cascade`);
    await refused(`alter table ${table} disable trigger user`);
    await refused(`drop table ${table} cascade`);
  });

  it('ends no hold twice, and removes neither holds nor accounts', async () => {
    await refused(`update hold set status = 'voided'`);
    await refused(`update hold set expires_at = now() where status = 'posted'`);
    await refused('delete from hold');
    await refused('delete from account');
  });

  it('lets no account fall below its overdraft limit, even by direct SQL', async () => {
    await expect(ledger.pool.query(`update account set held = 1000000 where overdraft = 'forbidden'`)).rejects.toThrow(
      /account_available_check/,
    );
  });

  it("lets nobody change an account's kind", async () => {
    for (const change of [`currency = 'USD'`, `owner = 'mallory'`, `kind = 'asset'`, `opened_by = 'mallory'`])
      await refused(`update account set ${change}`);
  });

  it("reaches no other service's database", async () => {
    const { rows } = await ledger.pool.query<{ open: boolean }>(
      `select has_database_privilege(current_user, datname, 'connect') as open from pg_database
        where datname <> current_database() and datname not in ('postgres', 'template0', 'template1')`,
    );
    expect(rows.filter(({ open }) => open)).toEqual([]);
    const { rows: role } = await ledger.pool.query(
      'select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user',
    );
    expect(role).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false }]);
  });
});
