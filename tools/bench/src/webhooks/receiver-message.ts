import { z } from 'zod';

/** What the receivers tell: where they listen, and of each notice that the healthy one took, how long after it was due. */
export const receiverMessageSchema = z.union([
  z.object({ healthy: z.string(), hanging: z.array(z.string()) }),
  z.object({ lagMs: z.number() }),
]);
export type ReceiverMessage = z.infer<typeof receiverMessageSchema>;

/** A message to the receivers: end all hanging connections. */
export const receiverOrderSchema = z.object({ drop: z.literal(true) });
