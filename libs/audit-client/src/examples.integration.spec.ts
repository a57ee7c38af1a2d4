import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditPrincipal } from '@countersign/audit-event';
import { startDatabases } from '@countersign/backing-services';
import pg from 'pg';
import { outboxMigrations } from './outbox-migrations.js';

interface Example {
  cancel(order: string, caller: AuditPrincipal): Promise<void>;
  close(): Promise<void>;
}

/** Each example, as its file shows it. */
const examples: Readonly<Record<string, () => Promise<Example>>> = {
  pg: async () => {
    const { cancel, pool } = await import('../examples/pg.js');
    return { cancel, close: () => pool.end() };
  },
  drizzle: async () => {
    const { cancel, pool } = await import('../examples/drizzle.js');
    return { cancel, close: () => pool.end() };
  },
};

const outboxSql = readFileSync(new URL('../outbox.sql', import.meta.url), 'utf8');
const statements = (text: string): readonly string[] =>
  text
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' '))
    .filter((statement) => statement !== '');

describe('an event recorded in the transaction of its change, by', () => {
  const caller: AuditPrincipal = { subject: 'ada', client_id: 'shop', actors: [], scopes: ['orders:write'], jti: '1' };
  const databases = startDatabases();
  let client: pg.Client;
  beforeAll(async () => {
    const url = await databases.database('orders');
    process.env['DATABASE_URL'] = url;
    client = new pg.Client({ connectionString: url });
    await client.connect();
    // As the README says: one file, which may run again.
    for (let time = 0; time < 2; time += 1) await client.query(outboxSql);
    await client.query('create table orders (id uuid primary key, cancelled boolean not null default false)');
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await databases.stop();
  }, 60_000);

  it.each(Object.keys(examples))(
    '%s is there when the change is, and only then',
    async (name) => {
      const example = await examples[name]?.();
      const [order, locked] = [randomUUID(), randomUUID()];
      await client.query('insert into orders (id) values ($1), ($2)', [order, locked]);
      await example?.cancel(order, caller);
      const { rows } = await client.query(
        `select cancelled, event->>'type' as type, event->'data'->'principal'->>'subject' as subject, event->>'source' as source
         from orders join audit_outbox_event on event->>'subject' = 'order/' || orders.id where orders.id = $1`,
        [order],
      );
      expect(rows).toEqual([
        { cancelled: true, type: 'com.acme.orders.order.cancelled.v1', subject: 'ada', source: 'orders' },
      ]);
      // A caller that the trail would reject: the event is refused before the change commits.
      await expect(example?.cancel(locked, { ...caller, subject: '' })).rejects.toMatchObject({
        code: 'EVENT_INVALID',
      });
      const after = await client.query('select cancelled from orders where id = $1', [locked]);
      expect(after.rows).toEqual([{ cancelled: false }]);
      await example?.close();
    },
    30_000,
  );

  it('with any tool that runs the one SQL file, whose tables are those of the migrations', () => {
    const migrated = readdirSync(outboxMigrations)
      .filter((file) => file.endsWith('.sql'))
      .sort()
      .flatMap((file) => statements(readFileSync(join(outboxMigrations, file), 'utf8')));
    expect(statements(outboxSql)).toEqual(migrated);
  });
});
