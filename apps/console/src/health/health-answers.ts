import * as z from 'zod/mini';

const time = z.nullable(z.string());

/** The parts of `GET /health/ready` that this screen uses; those that a replica does not report are omitted. */
const notesSchema = z.object({
  intake: z.optional(
    z.object({
      consuming: z.boolean(),
      /** Messages in the stream that are not in the log. */
      waiting: z.nullable(z.number()),
      lag_ms: z.number(),
      /** From 0 to 1; at 1 the stream refuses more. */
      stream_fill: z.nullable(z.number()),
      last_error: z.nullable(z.string()),
    }),
  ),
  revocation_feed: z.optional(
    z.object({
      state: z.enum(['loading', 'current', 'lost']),
      entries: z.number(),
      lagMs: z.nullable(z.number()),
      lastError: z.nullable(z.string()),
    }),
  ),
});

/** One replica's report. */
const reportSchema = z.object({
  source: z.string(),
  replica: z.string(),
  heard_at: z.string(),
  status: z.enum(['ready', 'not_ready']),
  failing: z.array(z.object({ check: z.string(), reason: z.string() })),
  outbox: z.object({ pending: z.number(), oldest_seconds: z.number(), last_error: z.nullable(z.string()) }),
  revocation_feed: z.nullable(
    z.object({ state: z.enum(['loading', 'current', 'lost']), lag_ms: z.nullable(z.number()) }),
  ),
});

export const overviewSchema = z.object({
  at: z.string(),
  sources: z.array(
    z.object({
      source: z.string(),
      through: z.string(),
      missing: z.array(z.object({ first: z.string(), last: z.string() })),
      gap_since: time,
      alert: z.boolean(),
      advanced_at: time,
    }),
  ),
  reports: z.object({ since: time, own: reportSchema, received: z.array(reportSchema) }),
  dead_letters: z.object({ waiting: z.number(), oldest_at: time }),
  log: z.object({ size: z.string(), covered: z.string(), indexed: z.string(), signed_at: time }),
  retention: z.object({
    days: z.nullable(z.number()),
    first_index: z.string(),
    segments: z.number(),
    last_sealed_at: time,
  }),
  replica: z.object({
    status: z.enum(['ready', 'not_ready']),
    checks: z.record(z.string(), z.string()),
    notes: notesSchema,
  }),
});
export type Overview = z.infer<typeof overviewSchema>;

const deadLetterSchema = z.object({
  position: z.string(),
  source: z.nullable(z.string()),
  sequence: z.nullable(z.string()),
  reason: z.string(),
  payload: z.string(),
  received_at: z.string(),
  replayed_at: time,
  erased_at: time,
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;
export const deadLettersSchema = z.object({ dead_letters: z.array(deadLetterSchema) });
export const replayedSchema = z.object({ position: z.string(), log_index: z.string() });
