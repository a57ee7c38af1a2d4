import { databaseVariables, hostVariables, issuerVariables, natsVariables } from '@countersign/service-host';
import { z } from 'zod';

const keySchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'a private JWK, as JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() }));

/** Everything that payments reads from its environment. */
export const variables = {
  ...hostVariables,
  ...databaseVariables,
  ...natsVariables,
  ...issuerVariables,
  /** Where accounts listens. */
  ACCOUNTS_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, '')),
  /** Milliseconds that one call to accounts may take. */
  ACCOUNTS_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(5_000),
  CLIENT_ID: z.string().min(1).default('payments'),
  /** The private JWK with which payments authenticates to the issuer; usually by CLIENT_KEY_FILE. */
  CLIENT_KEY: keySchema,
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
