import { randomUUID } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import pg from 'pg';
import { type Payer } from './load.js';

/** Statements as payments sends them: one for what is started, one for what came of it. */
const beginPayment = `
  with p0 as (insert into payment (id, capture, transfer_id, from_account, to_account, amount, currency, reference, hold_seconds, subject,
    client_id, actors, txn, created_at, status, captured, refunded, refunding, failure, pending, pending_amount, expires_at, order_until,
    attend_at, version, updated_at) values ($1, $2, $3, $4, $5, 100, 'EUR', '', $6, 'storefront', 'storefront', '{}', $7, now(), 'created',
    0, 0, 0, null, null, null, null, now() + interval '6 minutes', now() + interval '30 seconds', 1, now())),
  p1 as (insert into idempotency_key (client_id, subject, key, fingerprint, resource_id, lease_until, created_at)
    values ('storefront', 'storefront', $7, $7, $1, now() + interval '30 seconds', now())),
  p2 as (insert into audit_outbox (id, event) values ($8, $9)) select 1`;
const beginCapture = `
  with p0 as (update payment set status = 'held', pending = 'capture', pending_amount = 100, attend_at = now() + interval '30 seconds',
    version = 3, updated_at = now() where id = $1 and version = 2 returning 1),
  p1 as (insert into idempotency_key (client_id, subject, key, fingerprint, resource_id, lease_until, created_at)
    values ('storefront', 'storefront', $2, $2, $1, now() + interval '30 seconds', now())),
  p2 as (insert into audit_outbox (id, event) values ($3, $4)) select require_current(exists (select 1 from p0))`;
const endStep = `
  with p0 as (update payment set status = $2, captured = $3, refunded = 0, refunding = 0, failure = null, pending = null,
    pending_amount = null, expires_at = coalesce($4, expires_at), order_until = now(), attend_at = $4, version = $5::int + 1, updated_at = now()
    where id = $1 and version = $5::int returning 1),
  p1 as (insert into audit_outbox (id, event) values ($6, $7)),
  p2 as (insert into webhook_delivery (endpoint_id, event_id, type, payment_id, body, status, next_attempt_at, created_at)
    select id, $6, 'payment.settled', $1, $9::text, 'pending', now(), now() from webhook_endpoint
    where (subject = 'storefront' or (reach = 'client' and client_id = 'storefront')) and status = 'active' and 'payment.settled' = any(types)),
  p3 as (update idempotency_key set answer = $9::text::jsonb where client_id = 'storefront' and subject = 'storefront' and key = $8)
  select require_current(exists (select 1 from p0))`;
const readPayment = `select * from payment where id = $1 and subject = 'storefront'`;

/** Statements as accounts sends them, for one transfer a transaction. */
const lockAccounts = 'select * from account where id = any($1::uuid[]) order by id for no key update';
const findTransfer = `
  select t.*, (select json_agg(json_build_array(l.debit_account, l.credit_account, l.amount::text, l.currency) order by l.number)
    from leg l where l.transfer_id = t.id) as legs, h.* from transfer t left join hold h on h.transfer_id = t.id
  where t.id = any($1::uuid[]) or t.corrects = any($2::uuid[])`;
const writeTransfer = `
  with made as (
    insert into transfer (id, reference, metadata, corrects, subject, client_id, actors, txn, posted_at)
    select id, reference, metadata, corrects, subject, client_id, actors, txn, posted_at from jsonb_to_recordset($1::jsonb)
      as t(id uuid, reference text, metadata jsonb, corrects uuid, subject text, client_id text, actors text[], txn text, posted_at timestamptz)
  ), legs as (
    insert into leg (transfer_id, number, debit_account, credit_account, amount, currency)
    select * from jsonb_to_recordset($2::jsonb)
      as l(transfer_id uuid, number smallint, debit_account uuid, credit_account uuid, amount bigint, currency char(3))
  ), held as (
    insert into hold (transfer_id, status, expires_at)
    select * from jsonb_to_recordset($3::jsonb) as h(transfer_id uuid, status text, expires_at timestamptz)
  ), ended as (
    update hold set status = e.status, posted_amount = e.posted_amount, ended_at = e.ended_at, ended_by_subject = e.subject,
      ended_by_client_id = e.client_id, ended_by_actors = e.actors, ended_by_txn = e.txn
    from jsonb_to_recordset($4::jsonb) as e(transfer_id uuid, status text, posted_amount bigint, ended_at timestamptz,
      subject text, client_id text, actors text[], txn text)
    where hold.transfer_id = e.transfer_id and hold.status = 'held'
    returning 1
  ), entries as (
    insert into entry (transfer_id, leg, account_id, side, amount, balance_after, posted_at)
    select * from jsonb_to_recordset($5::jsonb)
      as e(transfer_id uuid, leg smallint, account_id uuid, side text, amount bigint, balance_after bigint, posted_at timestamptz)
  ), balances as (
    update account set credits_minus_debits = b.sum, held = b.held, changed_at = b.changed_at
    from jsonb_to_recordset($6::jsonb) as b(id uuid, sum bigint, held bigint, changed_at timestamptz)
    where account.id = b.id
    returning 1
  ), events as (
    insert into audit_outbox (id, event) select (e->>'id')::uuid, e from jsonb_array_elements($7::jsonb) as e
  )
  select (select count(*) from ended)::int as ended, (select count(*) from balances)::int as balances`;

type Step = 'at once' | 'hold' | 'post';

interface AccountRow {
  readonly id: string;
  readonly credits_minus_debits: string;
  readonly held: string;
}

function eventOf(id: string, type: string): string {
  const kind = type.startsWith('accounts.') ? 'transfer' : 'payment';
  const actor = { subject: 'storefront', client_id: 'payments', actors: ['payments'], scopes: ['transfers:create'] };
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: 'bench',
    type: `countersign.${type}.v1`,
    time: new Date().toISOString(),
    subject: `${kind}/${id}`,
    datacontenttype: 'application/json',
    traceparent: `00-${id.replaceAll('-', '')}-0000000000000001-01`,
    data: {
      principal: { ...actor, jti: id },
      txn: id,
      action: `${kind}s:create`,
      resource: `${kind}/${id}`,
      outcome: 'allowed',
      request: { method: 'POST', route: '/payments', id, peer: '127.0.0.1' },
      changes: { amount: { amount: '100', currency: 'EUR' }, from: id, to: id, capture: 'automatic' },
    },
  });
}

/** One pgbench-style client: a connection to each database, one statement after the other, no service in between. */
class SqlClient {
  constructor(
    private readonly payments: pg.Client,
    private readonly accounts: pg.Client,
    private readonly payer: Payer,
  ) {}

  async pay(held: boolean): Promise<void> {
    const [id, transfer, key] = [uuidv7(), uuidv7(), randomUUID()];
    const { from, to } = this.payer;
    const event = uuidv7();
    const capture = held ? 'manual' : 'automatic';
    const begin = [
      id,
      capture,
      transfer,
      from,
      to,
      held ? 604_800 : null,
      key,
      event,
      eventOf(event, 'payments.payment.created'),
    ];
    await this.payments.query({ name: 'begin', text: beginPayment, values: begin });
    await this.#transfer(transfer, held ? 'hold' : 'at once');
    await this.#end(id, key, held ? 'held' : 'settled', 1);
    if (!held) return;
    await this.payments.query({ name: 'read', text: readPayment, values: [id] });
    const [captureKey, eventId] = [randomUUID(), uuidv7()];
    const values = [id, captureKey, eventId, eventOf(eventId, 'payments.payment.capture_begun')];
    await this.payments.query({ name: 'capture', text: beginCapture, values });
    await this.accounts.query({ name: 'find', text: findTransfer, values: [[transfer], []] });
    await this.#transfer(transfer, 'post');
    await this.#end(id, captureKey, 'settled', 3);
  }

  async #end(id: string, key: string, status: string, version: number): Promise<void> {
    const eventId = uuidv7();
    const answer = JSON.stringify({
      status: 201,
      body: { id, status, amount: '100', from: id, to: id, transfer_id: id },
    });
    const until = status === 'held' ? new Date(Date.now() + 604_800_000) : null;
    const captured = status === 'held' ? 0 : 100;
    const values = [
      id,
      status,
      captured,
      until,
      version,
      eventId,
      eventOf(eventId, `payments.payment.${status}`),
      key,
      answer,
    ];
    await this.payments.query({ name: 'end', text: endStep, values });
  }

  async #transfer(id: string, step: Step): Promise<void> {
    const { from, to } = this.payer;
    const now = new Date();
    await this.accounts.query('begin');
    const lock = { name: 'lock', text: lockAccounts, values: [[from, to]] };
    const { rows } = await this.accounts.query<AccountRow>(lock);
    await this.accounts.query({ name: 'find', text: findTransfer, values: [[id], []] });
    const who = { subject: 'storefront', client_id: 'payments', actors: ['payments'], txn: id };
    const made = { id, reference: '', metadata: {}, corrects: null, ...who, posted_at: now };
    const leg = { transfer_id: id, number: 0, debit_account: from, credit_account: to, amount: '100', currency: 'EUR' };
    const moved = step === 'hold' ? 0n : 100n;
    const reserved = step === 'hold' ? 100n : step === 'post' ? -100n : 0n;
    const standing = rows.map((row) => ({
      id: row.id,
      sum: (BigInt(row.credits_minus_debits) + (row.id === from ? -moved : moved)).toString(),
      held: (BigInt(row.held) + (row.id === from ? reserved : 0n)).toString(),
      changed_at: now,
    }));
    const entries = standing.map((account) => ({
      transfer_id: id,
      leg: 0,
      account_id: account.id,
      side: account.id === from ? 'debit' : 'credit',
      amount: '100',
      balance_after: account.sum,
      posted_at: now,
    }));
    const values = [
      step === 'post' ? [] : [made],
      step === 'post' ? [] : [leg],
      step === 'hold' ? [{ transfer_id: id, status: 'held', expires_at: new Date(now.getTime() + 604_800_000) }] : [],
      step === 'post' ? [{ transfer_id: id, status: 'posted', posted_amount: '100', ended_at: now, ...who }] : [],
      step === 'hold' ? [] : entries,
      standing,
    ].map((set) => JSON.stringify(set));
    const event = `[${eventOf(uuidv7(), `accounts.transfer.${step === 'hold' ? 'held' : 'posted'}`)}]`;
    await this.accounts.query({ name: 'write', text: writeTransfer, values: [...values, event] });
    await this.accounts.query('commit');
  }
}

/** The same payments by SQL only, for the given seconds. @returns payments per second */
export async function payBySql(
  databases: { readonly payments: string; readonly accounts: string },
  payers: readonly Payer[],
  clients: number,
  seconds: number,
  held: boolean,
): Promise<number> {
  const connect = async (connectionString: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const connections = await Promise.all(
    Array.from({ length: clients }, () => Promise.all([connect(databases.payments), connect(databases.accounts)])),
  );
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let paid = 0;
  await Promise.all(
    connections.map(async ([own, ledger], index) => {
      const client = new SqlClient(own, ledger, payers[index % payers.length] ?? { from: '', to: '' });
      while (performance.now() < until) {
        await client.pay(held);
        paid += 1;
      }
    }),
  );
  const took = (performance.now() - startedAt) / 1_000;
  await Promise.all(connections.flat().map((connection) => connection.end()));
  return paid / took;
}
