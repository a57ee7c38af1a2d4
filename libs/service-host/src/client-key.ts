import { mayBeUsedTo } from '@countersign/auth-core/jws';
import { z } from 'zod';

/** A variable that holds JSON. */
export const jsonVariable = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

/** A private JWK that signs. */
export const signingKeySchema = z
  .looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() })
  .refine((jwk) => mayBeUsedTo('sign', jwk), 'must be a signing key; its use or key_ops says otherwise');

/** `CLIENT_KEY` of a service that calls others: the private JWK with which it authenticates to the issuer. */
export const clientKeyVariable = jsonVariable.pipe(signingKeySchema);
