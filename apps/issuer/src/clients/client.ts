import { z } from 'zod';

/** RFC 6749, section 3.3: printable ASCII without space, quote and backslash. */
export const scopeSchema = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'a scope: printable ASCII without space, " and \\');
export const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'a name: letters, digits, . _ : -');

const publicJwkSchema = z
  .looseObject({
    kty: z.string(),
    kid: z.string().min(1),
    alg: z.enum(['ES256', 'EdDSA', 'RS256', 'PS256']).default('ES256'),
  })
  .refine((jwk) => !('d' in jwk) && !('k' in jwk), 'a public key; this one holds a private part');

const edgeSchema = z.strictObject({
  /** Holding a subject token for this audience … */
  subject_audience: nameSchema,
  /** … with this scope … */
  subject_scope: scopeSchema,
  /** … the client may ask for this audience … */
  audience: nameSchema,
  /** … and these scopes. */
  scopes: z.array(scopeSchema).min(1).max(64),
});
export type ExchangeEdge = z.infer<typeof edgeSchema>;

const policySchema = z.strictObject({
  /** Per audience, the scopes that the client may ask for. */
  audiences: z.record(nameSchema, z.array(scopeSchema).max(64)).default({}),
  exchange: z.array(edgeSchema).max(64).default([]),
});
/** What a client may ask for; everything else is refused. */
export type Policy = z.infer<typeof policySchema>;

export const clientSchema = z.strictObject({
  client_id: nameSchema,
  jwks: z.strictObject({ keys: z.array(publicJwkSchema).min(1).max(8) }),
  policy: policySchema.default({ audiences: {}, exchange: [] }),
});
/** A registered service or application identity. */
export type Client = z.infer<typeof clientSchema>;

export const clientsFileSchema = z
  .strictObject({ clients: z.array(clientSchema).max(10_000) })
  .superRefine(({ clients }, context) => {
    const seen = new Set<string>();
    for (const { client_id: id } of clients) {
      if (seen.has(id))
        context.addIssue({ code: 'custom', message: `the client ${id} is declared twice`, path: ['clients'] });
      seen.add(id);
    }
  });
