import { databaseVariables, hostVariables, issuerVariables, natsVariables } from '@countersign/service-host';
import { z } from 'zod';

/** Seconds that a token may live at the most, whatever the setting. */
export const TOKEN_LIFETIME_LIMIT = 900;

/** Everything that the issuer reads from its environment. */
export const variables = {
  ...hostVariables,
  ...databaseVariables,
  ...natsVariables,
  ISSUER_URL: issuerVariables.ISSUER_URL,
  /** JSON file of clients and their policies. */
  CLIENTS_FILE: z.string().min(1),
  /** JSON file of private signing keys. */
  SIGNING_KEYS_FILE: z.string().min(1),
  /** Seconds that an access token lives. */
  TOKEN_LIFETIME_SECONDS: z.coerce.number().int().min(10).max(TOKEN_LIFETIME_LIMIT).default(300),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
