import * as z from 'zod/mini';

export const outcomes = ['allowed', 'denied', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

// Loose wherever an event has members: if a schema removed one, it would change what is proven.
const principalSchema = z.looseObject({
  subject: z.string(),
  client_id: z.string(),
  /** The actors for the subject, newest first. */
  actors: z.array(z.string()),
  scopes: z.array(z.string()),
  jti: z.string(),
  api_key: z.optional(z.looseObject({ id: z.string(), name: z.string() })),
  /** For a person: their roles, and how they had authenticated. */
  person: z.optional(
    z.looseObject({ roles: z.array(z.string()), acr: z.optional(z.string()), auth_time: z.optional(z.number()) }),
  ),
});
export type Principal = z.infer<typeof principalSchema>;

export const eventSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: z.string(),
  subject: z.string(),
  traceparent: z.optional(z.string()),
  sequence: z.string(),
  data: z.looseObject({
    /** Absent if no caller could be verified. */
    principal: z.nullable(principalSchema),
    txn: z.nullable(z.string()),
    action: z.string(),
    resource: z.string(),
    outcome: z.enum(outcomes),
    reason: z.optional(z.string()),
    request: z.optional(z.looseObject({ method: z.string(), route: z.string(), id: z.string(), peer: z.string() })),
    changes: z.optional(z.record(z.string(), z.unknown())),
  }),
});
export type TrailEvent = z.infer<typeof eventSchema>;

/** An event with its place in the log. */
export const foundEventSchema = z.object({ log_index: z.string(), received_at: z.string(), event: eventSchema });
export type FoundEvent = z.infer<typeof foundEventSchema>;

export const eventPageSchema = z.object({
  events: z.array(foundEventSchema),
  /** Where the next page begins; undefined at the end. */
  next_cursor: z.nullable(z.string()),
});
export type EventPage = z.infer<typeof eventPageSchema>;
