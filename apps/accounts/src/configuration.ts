import { databaseVariables, hostVariables, issuerVariables, natsVariables } from '@countersign/service-host';
import { type z } from 'zod';

/** Everything that the ledger reads from its environment. */
export const variables = { ...hostVariables, ...databaseVariables, ...natsVariables, ...issuerVariables };
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
