import { connect } from 'node:net';
import pg from 'pg';
import { startOwnBackingServices, type OwnBackingServices } from './for-tests.js';
import { natsAccount, natsServices } from './nats-configuration.js';

describe('backing services', () => {
  let services: OwnBackingServices;
  beforeAll(async () => {
    services = await startOwnBackingServices();
  }, 180_000);
  afterAll(async () => {
    await services.stop();
  });

  it('give each service its own database, which another role may not enter', async () => {
    const url = await services.database('payments');
    const other = new URL(await services.database('accounts'));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    expect((await client.query<{ name: string }>('select current_database() as name')).rows).toEqual([
      { name: 'payments' },
    ]);
    await client.end();
    other.pathname = '/payments';
    const stranger = new pg.Client({ connectionString: other.href });
    await expect(stranger.connect()).rejects.toThrow(/permission denied/);
  });

  it('keep what PostgreSQL committed through a restart', async () => {
    const url = await services.database('kept');
    const before = new pg.Client({ connectionString: url });
    await before.connect();
    await before.query('create table kept as select 1 as n');
    await before.end();
    await services.postgres.restart();
    const after = new pg.Client({ connectionString: url });
    await after.connect();
    expect((await after.query('select n from kept')).rows).toEqual([{ n: 1 }]);
    await after.end();
  });

  it('run a NATS server with JetStream that refuses anyone who brings no credentials', async () => {
    const info = await new Promise<string>((resolve, reject) => {
      const socket = connect(services.nats.port, '127.0.0.1');
      socket.once('error', reject).once('data', (data) => {
        socket.destroy();
        resolve(data.toString());
      });
    });
    expect(info).toMatch(/"jetstream":\s*true/);
    expect(info).toMatch(/"auth_required":\s*true/);
  });

  it('let no two services share an account, and only the issuer and audit have JetStream', () => {
    const accounts = natsServices.map((service) => natsAccount(service));
    expect(new Set(accounts.map(({ name }) => name)).size).toBe(natsServices.length);
    expect(accounts.filter(({ jetStream }) => jetStream !== undefined).map(({ name }) => name)).toEqual([
      'ISSUER',
      'AUDIT',
    ]);
  });

  it('let a service reach audit under its own name only', () => {
    const { rights, imports, exports } = natsAccount('payments');
    expect(rights.publish.filter((subject) => subject.startsWith('audit'))).toEqual(['audit.payments.>']);
    expect(imports.filter(({ from, kind }) => from === 'audit' && kind === 'service')).toEqual([
      { kind: 'service', from: 'audit', subject: 'audit.payments.>' },
      { kind: 'service', from: 'audit', subject: 'reports.payments' },
    ]);
    expect(exports).toEqual([]);
  });
});
