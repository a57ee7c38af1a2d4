import { randomUUID } from 'node:crypto';
import { ReportRefused, type ApiKeyUsageReport } from '@countersign/auth-core';
import type pg from 'pg';
import { z } from 'zod';
import { databaseReasonOf } from '../problems/database-fault.js';
import { mergedReports } from './merged-reports.js';
import { deleteInPortions } from '../database/delete-in-portions.js';
import { inTransaction } from '../database/transaction.js';

/** A report that is committed here and still has to reach the issuer, which counts it once by its id. */
export interface KeptReport extends ApiKeyUsageReport {
  readonly id: string;
}

/** Maximum reports waiting for the issuer, for all replicas. Beyond that, counts wait in memory. */
const REPORTS_LIMIT = 20_000;
/** Maximum refused reports that are kept, for all replicas: a sample for people to examine. Later ones are dropped. */
const REFUSED_LIMIT = 1_000;
/** The oldest ones, which may have been sent, so they keep their ids. Each replica sends some 20. */
const UNTOUCHED = 1_000;
/** Maximum reports merged at a time, and the characters beyond which a report is full. */
const MERGED_AT_ONCE = 200;
const FULL_CHARACTERS = 20_000;

const anyRows = z.tuple([z.object({ any: z.boolean() })]);
const countRows = z.tuple([z.object({ count: z.number() })]);
const refusedRows = z.tuple([z.object({ count: z.number(), status: z.number().nullable() })]);
const keptRows = z.tuple([z.object({ kept: z.boolean() })]);
const reportSchema = z.object({
  id: z.uuid(),
  report: z.object({
    uses: z.array(
      z.object({
        api_key_id: z.string(),
        hour: z.string(),
        route_class: z.string(),
        outcome: z.enum(['allowed', 'denied', 'limited']),
        count: z.number(),
        last_at: z.string().optional(),
      }),
    ),
    networks: z.array(z.object({ api_key_id: z.string(), network: z.string() })),
  }),
});
const rowsSchema = z.array(reportSchema);
const mergedRows = z.array(reportSchema.extend({ kept_at: z.string() }));

/** Maximum reports in one request, and their characters: the issuer accepts no larger request. */
const SENT_AT_ONCE = 20;
const CHARACTERS_AT_ONCE = 56_000;

/** The oldest that fit into one request, at least one. */
function fitting(reports: readonly KeptReport[]): readonly KeptReport[] {
  let characters = 0;
  return reports.filter((report, place) => {
    characters += JSON.stringify(report).length;
    return place === 0 || characters <= CHARACTERS_AT_ONCE;
  });
}

/** A report as stored by this process, with its position. */
interface NumberedReport {
  readonly id: string;
  readonly number: number;
  readonly report: ApiKeyUsageReport;
}

class ReportsFull extends Error {
  constructor(limit: number) {
    super(`${String(limit)} reports are already waiting for the issuer`);
  }
}

/** Why the issuer refused reports; undefined if it accepted them. @throws if they did not arrive */
async function refusalOf(sending: Promise<void>): Promise<ReportRefused | undefined> {
  try {
    await sending;
    return undefined;
  } catch (error) {
    if (error instanceof ReportRefused) return error;
    throw error;
  }
}

/** API key usage counts, in the service's own database until the issuer has them. */
export class ApiKeyReports {
  #lastError: string | null = null;
  /** How many reports to send one by one, because the issuer refused them together. */
  #oneByOne = 0;
  /** Of this process, in the database. */
  readonly #reporter = randomUUID();
  #numbered = 0;
  #keeping: Promise<unknown> = Promise.resolve();
  /** A report that may or may not have been committed, because the response was lost. It is stored again under its number. */
  #uncertain: NumberedReport | undefined;

  /** @param limits fewer, for a test */
  constructor(
    private readonly pool: pg.Pool,
    private readonly limits = { reports: REPORTS_LIMIT, untouched: UNTOUCHED, refused: REFUSED_LIMIT },
  ) {}

  /** Why the last report could not be stored; null if it was. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** Refused reports that are kept, for all replicas, and the status of the last refusal. */
  async refused(): Promise<{ readonly count: number; readonly status: number | null }> {
    const { rows } = await this.pool.query(
      'select count(*)::int as count, (array_agg(status order by refused_at desc))[1] as status from api_key_report_refused',
    );
    return refusedRows.parse(rows)[0];
  }

  /** Reports waiting for the issuer. */
  async waiting(): Promise<number> {
    const { rows } = await this.pool.query('select count(*)::int as count from api_key_report');
    return countRows.parse(rows)[0].count;
  }

  /**
   * Commits reports one after another. If the database fails during the commit, the report may be committed, so it stays here until that is certain: returned
   * to the counters, it could count twice.
   * @throws {Error} if it is not stored, because the previous report is still uncertain, or {@link REPORTS_LIMIT} are already waiting
   */
  async keep(report: ApiKeyUsageReport): Promise<void> {
    const kept = this.#keeping.then(() => this.#keep(report));
    this.#keeping = kept.catch(() => undefined);
    return kept;
  }

  async #keep(report: ApiKeyUsageReport): Promise<void> {
    try {
      await this.#settle();
      const kept = { id: randomUUID(), number: (this.#numbered += 1), report };
      try {
        if (!(await this.#insert(kept))) throw new ReportsFull(this.limits.reports);
      } catch (error) {
        if (error instanceof ReportsFull) throw error;
        this.#uncertain = kept;
        this.#lastError = databaseReasonOf(error).reason;
        return;
      }
      this.#lastError = null;
    } catch (error) {
      this.#lastError = databaseReasonOf(error).reason;
      throw error;
    }
  }

  /** @throws {Error} if the report is still uncertain */
  async #settle(): Promise<void> {
    const report = this.#uncertain;
    if (report === undefined) return;
    if (!(await this.#insert(report))) throw new ReportsFull(this.limits.reports);
    if (this.#uncertain !== report) return;
    this.#uncertain = undefined;
    this.#lastError = null;
  }

  /**
   * The number decides, not the row, which may have been sent, or merged with others, since it was committed.
   * @returns whether the report is committed, now or before; false when too many wait
   */
  async #insert({ id, number, report }: NumberedReport): Promise<boolean> {
    const { rows } = await this.pool.query(
      `with counted as (
         insert into api_key_reporter as known (id, last_report) select $1, $2
         where (select count(*) from (select from api_key_report limit $5) as waiting) < $5
         on conflict (id) do update set last_report = excluded.last_report, kept_at = clock_timestamp()
         where known.last_report < excluded.last_report
         returning id
       ), kept as (
         insert into api_key_report (id, report) select $3, $4 where exists (select from counted)
       ) select exists (select from counted) or exists (select from api_key_reporter where id = $1 and last_report >= $2) as kept`,
      [this.#reporter, number, id, JSON.stringify(report), this.limits.reports],
    );
    return keptRows.parse(rows)[0].kept;
  }

  /** Deletes processes that have stored nothing for a long time, and old refused reports. @param signal ends it between two portions */
  async prune(signal?: AbortSignal): Promise<void> {
    await deleteInPortions(this.pool, 'api_key_report_refused', `refused_at < now() - interval '30 days'`, [], signal);
    await deleteInPortions(this.pool, 'api_key_reporter', `kept_at < now() - interval '30 days'`, [], signal);
  }

  /**
   * Merges reports after the oldest ones, so that a long outage of the issuer takes little space. They have never been sent, so they
   * can get new ids.
   * @returns how many fewer wait
   */
  async merge(): Promise<number> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query(
        `select id, report, kept_at::text as kept_at from api_key_report where id in (
           select id from (select id, report from api_key_report order by api_key_report.kept_at, id offset $1) as behind
           where length(report::text) < $2 limit $3)
         order by api_key_report.kept_at, id for update skip locked`,
        [this.limits.untouched, FULL_CHARACTERS, MERGED_AT_ONCE],
      );
      const reports = mergedRows.parse(rows);
      const merged = mergedReports(reports.map(({ report }) => report));
      // A few are not worth merging; the next round includes them.
      const isWorthIt = reports.length === MERGED_AT_ONCE;
      if (isWorthIt) {
        await client.query('delete from api_key_report where id = any($1)', [reports.map(({ id }) => id)]);
        await client.query(
          `insert into api_key_report (id, report, kept_at)
           select id, report, $3::timestamptz from unnest($1::uuid[], $2::jsonb[]) as merged (id, report)`,
          [merged.map(() => randomUUID()), merged.map((report) => JSON.stringify(report)), reports[0]?.kept_at],
        );
      }
      return isWorthIt ? reports.length - merged.length : 0;
    });
  }

  /**
   * Sends the oldest reports and deletes those that arrived; another replica sends others in the meantime. If the issuer refuses some together, each
   * is sent by itself, and one that it does not accept is set aside, because it would hold up all that follow.
   * @param send throws {@link ReportRefused} when the issuer takes none of them, something else when they did not arrive
   * @returns how many were sent
   */
  async send(send: (reports: readonly KeptReport[]) => Promise<void>): Promise<number> {
    await this.#settle().catch(() => undefined);
    // This runs every second and rarely finds one: one statement instead of a transaction.
    const { rows: found } = await this.pool.query('select exists (select from api_key_report) as any');
    if (!anyRows.parse(found)[0].any) return 0;
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query(
        'select id, report from api_key_report order by kept_at limit $1 for update skip locked',
        [this.#oneByOne > 0 ? 1 : SENT_AT_ONCE],
      );
      const reports = fitting(rowsSchema.parse(rows).map(({ id, report }) => ({ id, ...report })));
      const [first, second] = reports;
      if (first === undefined) return 0;
      this.#oneByOne = Math.max(0, this.#oneByOne - 1);
      const refusal = await refusalOf(send(reports));
      if (refusal === undefined) {
        await client.query('delete from api_key_report where id = any($1)', [reports.map(({ id }) => id)]);
      } else if (second === undefined) await this.#putAside(client, first.id, refusal);
      else this.#oneByOne = reports.length;
      return reports.length;
    });
  }

  async #putAside(client: pg.PoolClient, id: string, { status }: ReportRefused): Promise<void> {
    await client.query(
      `with refused as (delete from api_key_report where id = $1 returning id, report)
       insert into api_key_report_refused (id, report, status) select id, report, $2 from refused
       where (select count(*) from api_key_report_refused) < $3
       on conflict (id) do update set status = excluded.status, refused_at = excluded.refused_at`,
      [id, status, this.limits.refused],
    );
  }
}
