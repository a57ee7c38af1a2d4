import { resourceServerVariables } from '@countersign/service-host';
import { z } from 'zod';

/** Everything that the ledger reads from its environment. */
export const variables = {
  ...resourceServerVariables,
  /** Milliseconds between two rounds of the worker that ends holds past their time. */
  HOLD_EXPIRY_INTERVAL_MS: z.coerce.number().int().min(50).max(3_600_000).default(5_000),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
