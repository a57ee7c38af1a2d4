import { z } from 'zod';

const url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** A relying party of the development provider: OpenID Connect Registration 1.0's names. */
export const clientSchema = z
  .strictObject({
    client_id: z.string().min(1),
    client_name: z.string().min(1),
    /** For `client_secret_basic`. */
    client_secret: z.string().min(32, 'must have at least 32 characters').optional(),
    /** For `private_key_jwt`: the public keys. */
    jwks: z.strictObject({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })).min(1) }).optional(),
    redirect_uris: z.array(url).min(1),
    post_logout_redirect_uris: z.array(url).default([]),
    backchannel_logout_uri: url.optional(),
  })
  .refine(({ client_secret: secret, jwks }) => (secret === undefined) !== (jwks === undefined), {
    message: 'must have either client_secret or jwks',
  });
export type RelyingParty = z.infer<typeof clientSchema>;
/** PROVIDER_CLIENTS_FILE. */
export const clientsFileSchema = z.strictObject({ clients: z.array(clientSchema).min(1) });
