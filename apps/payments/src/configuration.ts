import { clientKeyVariable, jsonVariable, resourceServerVariables, signingKeySchema } from '@countersign/service-host';
import { z } from 'zod';
import { recentLoginAboveSchema } from './payments/recent-login.service.js';

/** Everything that payments reads from its environment. */
export const variables = {
  ...resourceServerVariables,
  /** The URL of accounts. */
  ACCOUNTS_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, '')),
  /** Milliseconds that one request to accounts may take. */
  ACCOUNTS_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(5_000),
  /** Milliseconds that all attempts of one call to accounts may take together. */
  ACCOUNTS_DEADLINE_MS: z.coerce.number().int().min(100).max(120_000).default(15_000),
  /** The client at the issuer that payments authenticates as. */
  CLIENT_ID: z.string().min(1).default('payments'),
  /** The private JWK with which payments authenticates to the issuer; usually set through CLIENT_KEY_FILE. */
  CLIENT_KEY: clientKeyVariable,
  /** Milliseconds for which a request holds its step and its Idempotency-Key; after that a retry, or recovery, takes over. Must be longer than ACCOUNTS_DEADLINE_MS. */
  STEP_LEASE_MS: z.coerce.number().int().min(500).max(600_000).default(30_000),
  /** Milliseconds between two recovery runs. */
  RECOVERY_INTERVAL_MS: z.coerce.number().int().min(50).max(600_000).default(5_000),
  /**
   * Amounts above which a person must have signed in recently (RFC 9470) to pay, capture or refund, in minor units by currency, `*` for all others:
   * `EUR:50000,*:100000`. Without it no recent sign-in is needed.
   */
  RECENT_LOGIN_ABOVE: recentLoginAboveSchema.optional(),
  /** Maximum age of such a sign-in, in seconds. */
  RECENT_LOGIN_SECONDS: z.coerce.number().int().min(30).max(86_400).default(300),
  /** Hour of the day, UTC, at which payments and refunds are compared with their transfers at accounts. */
  RECONCILE_HOUR: z.coerce.number().int().min(0).max(23).default(2),
  /** A JWK set with private keys: the first one signs webhooks, all are published; usually set through WEBHOOK_KEYS_FILE. */
  WEBHOOK_KEYS: jsonVariable.pipe(z.looseObject({ keys: z.tuple([signingKeySchema], signingKeySchema) })),
  /** Maximum concurrent webhook attempts of one process to endpoints that answer; half as many for those that do not. */
  WEBHOOK_CONCURRENCY: z.coerce.number().int().min(4).max(1_024).default(128),
  /** Where webhooks may go: `public`, https to public addresses only; `any`, also http and private addresses (local stacks). */
  WEBHOOK_TARGETS: z.enum(['public', 'any']).default('public'),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;

/** Contradictions between valid values. */
export function contradictionsOf(
  values: Pick<Configuration, 'STEP_LEASE_MS' | 'ACCOUNTS_DEADLINE_MS'>,
): readonly string[] {
  if (values.STEP_LEASE_MS > values.ACCOUNTS_DEADLINE_MS) return [];
  const deadline = `ACCOUNTS_DEADLINE_MS (${String(values.ACCOUNTS_DEADLINE_MS)})`;
  return [`STEP_LEASE_MS: must be more than ${deadline}, or a retry takes over a step that is still running`];
}
