import { randomUUID } from 'node:crypto';
import { type ApiKeyUsageReport } from '@countersign/auth-core';
import type pg from 'pg';
import { z } from 'zod';
import { inTransaction } from './transaction.js';

/** A report that is committed here and still has to reach the issuer; by its id the issuer counts it once. */
export interface KeptReport extends ApiKeyUsageReport {
  readonly id: string;
}

const rowsSchema = z.array(
  z.object({
    id: z.uuid(),
    report: z.object({
      uses: z.array(
        z.object({
          api_key_id: z.string(),
          hour: z.string(),
          route_class: z.string(),
          outcome: z.enum(['allowed', 'denied', 'limited']),
          count: z.number(),
        }),
      ),
      networks: z.array(z.object({ api_key_id: z.string(), network: z.string() })),
    }),
  }),
);

/** Reports that are sent at once, and their characters: the issuer takes no larger request. */
const SENT_AT_ONCE = 20;
const CHARACTERS_AT_ONCE = 56_000;

/** The oldest that fit into one request, one at least. */
function fitting(reports: readonly KeptReport[]): readonly KeptReport[] {
  let characters = 0;
  return reports.filter((report, place) => {
    characters += JSON.stringify(report).length;
    return place === 0 || characters <= CHARACTERS_AT_ONCE;
  });
}

/** What was counted of API keys, in the service's own database until the issuer has it. */
export class ApiKeyReports {
  constructor(private readonly pool: pg.Pool) {}

  async keep(report: ApiKeyUsageReport): Promise<void> {
    await this.pool.query('insert into api_key_report (id, report) values ($1, $2)', [
      randomUUID(),
      JSON.stringify(report),
    ]);
  }

  /**
   * Sends the oldest reports and forgets those that arrived; another replica sends others meanwhile.
   * @param send throws when they did not arrive
   * @returns how many were sent
   */
  send(send: (reports: readonly KeptReport[]) => Promise<void>): Promise<number> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query<pg.QueryResultRow>(
        'select id, report from api_key_report order by kept_at limit $1 for update skip locked',
        [SENT_AT_ONCE],
      );
      const reports = fitting(rowsSchema.parse(rows).map(({ id, report }) => ({ id, ...report })));
      if (reports.length > 0) {
        await send(reports);
        await client.query('delete from api_key_report where id = any($1)', [reports.map(({ id }) => id)]);
      }
      return reports.length;
    });
  }
}
