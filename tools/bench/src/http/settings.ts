import { z } from 'zod';

/** What every server of the benchmark accepts: one issuer, one audience, one scope. */
export const ISSUER = 'https://issuer.bench';
export const AUDIENCE = 'orders';
export const SCOPE = 'orders:read';

const keySchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });

/** The issuer's key, as the benchmark hands it to its servers in `BENCH_KEY`. */
export function keyFromEnvironment(): z.infer<typeof keySchema> {
  return keySchema.parse(JSON.parse(process.env['BENCH_KEY'] ?? '{}'));
}

/** Reports to the benchmark where a server listens. */
export function announce(url: string): void {
  process.stdout.write(`${url}\n`);
}
