import { openPool } from '@countersign/backing-services';
import { completeEvent, uuidv7 } from '@countersign/audit-event';
import { type Stack } from '@countersign/stack';
import type pg from 'pg';

export type SourceName = 'payments' | 'accounts';

/** Events that one statement records. */
const CHUNK = 1_000;

export interface OutboxState {
  readonly rows: number;
  /** Seconds for which the oldest event has waited. */
  readonly ageSeconds: number;
}

/** @param bare with what every event has and nothing else; without it, as large as a payment's events are, a kibibyte */
function template(source: SourceName, bare: boolean): string {
  const principal = {
    subject: 'ada',
    client_id: 'storefront',
    actors: ['payments'],
    scopes: [`${source}:read`],
    jti: uuidv7(),
  };
  const event = completeEvent(
    {
      type: `countersign.${source}.soak.read.v1`,
      subject: 'soak/0',
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
      data: {
        principal: bare ? null : principal,
        txn: uuidv7(),
        action: `${source}:read`,
        resource: 'soak/0',
        outcome: 'allowed',
        ...(bare
          ? {}
          : {
              request: { method: 'GET', route: `/${source}/{id}`, id: uuidv7(), peer: '192.0.2.1' },
              changes: { note: 'x'.repeat(300) },
            }),
      },
    },
    uuidv7(),
    source,
    new Date(),
  );
  return JSON.stringify(event);
}

/** Makes events as a service does: rows in its own outbox, which its own relay carries away. */
export class Source {
  readonly #pool: pg.Pool;
  readonly #template: string;
  made = 0;
  /** No row is below it: deleted ones are not walked through again. */
  #from = '0';

  constructor(
    { identities, postgres }: Stack,
    readonly name: SourceName,
    private readonly wanted: number,
    bare: boolean,
  ) {
    const login = `${name}:${identities.databasePasswords[name]}`;
    this.#pool = openPool(`postgres://${login}@127.0.0.1:${String(postgres.port)}/${name}`, 2);
    this.#template = template(name, bare);
  }

  get finished(): boolean {
    return this.made >= this.wanted;
  }

  /** Records the next events. */
  async record(): Promise<void> {
    const count = Math.min(CHUNK, this.wanted - this.made);
    await this.#pool.query(
      `insert into audit_outbox (id, event)
       select id, $1::jsonb || jsonb_build_object('id', id, 'time', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
       from (select uuidv7() as id from generate_series(1, $2::int)) as made`,
      [this.#template, count],
    );
    this.made += count;
  }

  /** By the places of the oldest and the newest row: counting them would cost more than the trail itself. */
  async outbox(): Promise<OutboxState> {
    const { rows } = await this.#pool.query<{ first: string; rows: string; age: number }>(
      `select oldest.position as first, newest.position - oldest.position + 1 as rows,
              extract(epoch from clock_timestamp() - oldest.created_at)::float8 as age
       from (select position, created_at from audit_outbox where position >= $1 order by position limit 1) as oldest,
            (select position from audit_outbox order by position desc limit 1) as newest`,
      [this.#from],
    );
    const [row] = rows;
    if (row === undefined) {
      // A row may have got its place before one that was committed earlier.
      if (this.#from === '0') return { rows: 0, ageSeconds: 0 };
      this.#from = '0';
      return this.outbox();
    }
    this.#from = row.first;
    return { rows: Number(row.rows), ageSeconds: row.age };
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
