import { z } from 'zod';

const privateJwk = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });

export const loadOrderSchema = z.object({
  port: z.number(),
  path: z.string(),
  /** The assertion's `aud`. */
  audience: z.string(),
  form: z.record(z.string(), z.string()),
  /** For grants of which each request needs its own: what each adds to the form; as many requests as there are. */
  each: z.array(z.record(z.string(), z.string())).optional(),
  /** `bench` when left out. */
  clientId: z.string().optional(),
  /** What signs the assertions; a public client has none. */
  key: privateJwk.optional(),
  /** Keys that the tokens are bound to (DPoP), used in turn; none for tokens of any bearer. */
  proofKeys: z.array(privateJwk).optional(),
  requests: z.number(),
  connections: z.number(),
  /** Whether the report names the refresh tokens of the answers. */
  keepsAnswers: z.boolean().optional(),
});
export type LoadOrder = z.infer<typeof loadOrderSchema>;

export const loadReportSchema = z.object({
  perSecond: z.number(),
  p50: z.number(),
  p99: z.number(),
  /** Of this process, from the first request to the last answer. */
  cpuSeconds: z.number(),
  failed: z.string(),
  refreshTokens: z.array(z.string()),
});
/** Requests a second; milliseconds; the first answer that was no token, or nothing; the refresh tokens in the requests' order, where the order asks for them. */
export type LoadReport = z.infer<typeof loadReportSchema>;
