import { resourceServerVariables } from '@countersign/service-host';
import { z } from 'zod';

/** Everything that the ledger reads from its environment. */
export const variables = {
  ...resourceServerVariables,
  /** Milliseconds between two runs of the worker that ends expired holds. */
  HOLD_EXPIRY_INTERVAL_MS: z.coerce.number().int().min(50).max(3_600_000).default(5_000),
  /** Days within which a caller with `transfers:correct` may reverse a transfer from an account that is not theirs. */
  CORRECTION_AGE_DAYS: z.coerce.number().int().min(1).max(3_650).default(180),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
