import { type AuditEvent } from '@countersign/audit-event';
import { z } from 'zod';

/** Maximum clients in one request. */
const NEWEST_LIMIT = 50;

const client = z.string().min(1).max(128);

/** `GET /events/newest`: the clients, separated by commas. */
export const newestQuerySchema = z.strictObject({
  clients: z
    .string()
    .max(8_192)
    .transform((text) => [...new Set(text.split(','))])
    .pipe(z.array(client).min(1).max(NEWEST_LIMIT)),
});
export type NewestQuery = z.infer<typeof newestQuerySchema>;

/** What a client did last. */
export interface NewestEvent {
  readonly client: string;
  readonly log_index: string;
  readonly time: string;
  readonly action: string;
  readonly outcome: AuditEvent['data']['outcome'];
}
