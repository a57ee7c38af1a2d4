import { z } from 'zod';

/** A private JWK that names its `kid` and `alg`. */
export const privateJwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
