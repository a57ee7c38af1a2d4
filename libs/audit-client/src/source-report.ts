import { z } from 'zod';

/** Maximum characters of a report as it is written. */
const REPORT_LIMIT = 32_768;
/** Maximum characters of a text in it. */
const TEXT_LIMIT = 256;
const FAILING_LIMIT = 8;

/** Where a source tells audit how it is doing; only that source may publish there. */
export function reportSubject(source: string): string {
  return `reports.${source}`;
}

/** Every source's {@link reportSubject}. */
export const ALL_REPORTS = 'reports.*';

const text = z.string().max(TEXT_LIMIT);
const count = z.number().nonnegative();

/** How one replica of a source is doing, which its events do not say. The outbox is its database's, so all replicas report the same one. */
const sourceReportSchema = z.object({
  source: text,
  /** Tells replicas apart: host and process. */
  replica: text,
  status: z.enum(['ready', 'not_ready']),
  /** Readiness checks that fail, with the reason. */
  failing: z.array(z.object({ check: text, reason: text })).max(FAILING_LIMIT),
  outbox: z.object({
    /** Events that wait for a receipt. */
    pending: count,
    /** Seconds since the oldest was recorded; 0 when none waits. */
    oldest_seconds: count,
    /** Why events cannot be published, while they cannot. */
    last_error: text.nullable(),
  }),
  /** Proves to audit the highest log index that the source received; without it, nobody would notice what a restored log has lost. */
  known: z.string().max(100).optional(),
  /** Null for a service that receives no revocations. */
  revocation_feed: z
    .object({
      state: z.enum(['loading', 'current', 'lost']),
      /** Milliseconds that the newest revocation took to arrive; null before the first. */
      lag_ms: z.number().nullable(),
    })
    .nullable(),
});
/** How a service is doing, as it reports to audit. */
export type SourceReport = z.infer<typeof sourceReportSchema>;

/** Truncates unbounded texts, so that every report can be read. */
export function writeReport(report: SourceReport): string {
  const cut = (value: string): string => value.slice(0, TEXT_LIMIT);
  const { replica, failing, outbox } = report;
  return JSON.stringify({
    ...report,
    replica: cut(replica),
    failing: failing.slice(0, FAILING_LIMIT).map(({ check, reason }) => ({ check: cut(check), reason: cut(reason) })),
    outbox: { ...outbox, last_error: outbox.last_error === null ? null : cut(outbox.last_error) },
  } satisfies SourceReport);
}

/** @returns undefined if it is not a report of this source */
export function parseReport(source: string, written: string): SourceReport | undefined {
  if (written.length > REPORT_LIMIT) return undefined;
  try {
    const report = sourceReportSchema.parse(JSON.parse(written));
    return report.source === source ? report : undefined;
  } catch {
    return undefined;
  }
}
