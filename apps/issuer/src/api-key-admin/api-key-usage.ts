import { NETWORK_CHARACTERS, routeClassPattern } from '@countersign/auth-core';
import { idSchema, timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Maximum days in one response. */
export const DAYS_LIMIT = 62;

const reportedTime = timeBoundSchema.transform((time) => time.toISOString());

const useSchema = z.strictObject({
  api_key_id: idSchema,
  hour: reportedTime,
  route_class: z.string().regex(routeClassPattern),
  outcome: z.enum(['allowed', 'denied', 'limited']),
  count: z.int().min(1),
  /** When the last of them was; missing from services of an older version. */
  last_at: reportedTime.optional(),
});
const reportSchema = z.strictObject({
  /** Ensures that a report is counted once. */
  id: idSchema,
  uses: z.array(useSchema).max(5_000),
  networks: z
    .array(
      z.strictObject({
        api_key_id: idSchema,
        network: z.string().min(NETWORK_CHARACTERS.min).max(NETWORK_CHARACTERS.max),
      }),
    )
    .max(5_000),
});
export type ApiKeyReport = z.infer<typeof reportSchema>;

export const usageReportsSchema = z.strictObject({ reports: z.array(reportSchema).min(1).max(50) });
export type UsageReports = z.infer<typeof usageReportsSchema>;

/** The time of the last reported use: as the service reported it, but within its hour and never in the future. */
export function lastUseOf({ hour, last_at: last }: ApiKeyReport['uses'][number], now: Date): Date {
  const start = Date.parse(hour);
  const said = last === undefined ? Infinity : Date.parse(last);
  return new Date(Math.min(now.getTime(), Math.max(start, Math.min(said, start + HOUR_MS - 1))));
}

export const exposureSchema = z.strictObject({ api_key: z.string().min(1).max(256) });
export type Exposure = z.infer<typeof exposureSchema>;

/** The period, at most 62 days; by default the last day. */
export const apiKeyUsageQuerySchema = z.strictObject({
  from: timeBoundSchema.optional(),
  to: timeBoundSchema.optional(),
});
export type ApiKeyUsageQuery = z.infer<typeof apiKeyUsageQuerySchema>;

/** The requested period; `to` is exclusive. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** @returns undefined for a time that ends before it begins, or is too long */
export function periodOf({ from, to }: ApiKeyUsageQuery, now: Date): Period | undefined {
  const end = to ?? now;
  const start = from ?? new Date(end.getTime() - DAY_MS);
  const ms = end.getTime() - start.getTime();
  return ms > 0 && ms <= DAYS_LIMIT * DAY_MS ? { from: start, to: end } : undefined;
}
