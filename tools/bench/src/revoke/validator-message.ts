import { z } from 'zod';

/** What a validator of the revoke benchmark says. */
export const validatorMessageSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ watching: z.literal(true) }),
  /** `process.hrtime`, one clock for all processes of a machine. */
  z.object({ refusedAt: z.string() }),
  z.object({ failed: z.string() }),
]);
export type ValidatorMessage = z.infer<typeof validatorMessageSchema>;
