import {
  databaseVariables,
  hostVariables,
  issuerVariables,
  natsVariables,
  revocationVariables,
} from '@countersign/service-host';
import { z } from 'zod';

/** Everything that the audit service reads from its environment. */
export const variables = {
  ...hostVariables,
  ...databaseVariables,
  ...natsVariables,
  ...issuerVariables,
  ...revocationVariables,
  /** Copies that the streams keep: 1 on one NATS server, 3 in a cluster. */
  STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
