import { API_KEY_LIST_LIMIT, routeClassPattern, type ApiKeyLimit } from '@countersign/auth-core';
import { z } from 'zod';
import { audienceSchema, nameSchema } from '../registry/client.js';
import { readDeclaredFile } from '../registry/declared-file.js';

const MINUTE_LIMIT = 10_000_000;
/** Maximum burst, in minutes' worth of requests. */
const BURST_LEAST = 30;
const count = (max: number) => z.int().min(1).max(max);

const limitSchema = z
  .strictObject({
    /** Sustained requests per minute. */
    per_minute: count(MINUTE_LIMIT).optional(),
    /** Burst size after idle time; a minute's requests by default. */
    burst: count(MINUTE_LIMIT).optional(),
    /** Requests per day, UTC. */
    per_day: count(Number.MAX_SAFE_INTEGER).optional(),
    /** Requests per month, UTC. */
    per_month: count(Number.MAX_SAFE_INTEGER).optional(),
  })
  .refine(({ burst, per_minute: minute }) => burst === undefined || minute !== undefined, {
    message: 'burst needs per_minute',
  })
  .refine(({ burst, per_minute: minute }) => (burst ?? Infinity) * BURST_LEAST >= (minute ?? 0), {
    message: 'burst must be at least the requests of 2 seconds; replicas cannot share a limit more precisely',
  })
  .refine((limit) => Object.values(limit).some((value) => value !== undefined), { message: 'must limit something' })
  .transform(({ per_minute: perMinute, burst, per_day: perDay, per_month: perMonth }): ApiKeyLimit => ({
    perMinute,
    burst,
    perDay,
    perMonth,
  }));

const className = z
  .string()
  .refine((name) => name === '*' || routeClassPattern.test(name), 'must be a route class of a-z, 0-9, _ and -, or *');
const limitsSchema = z
  .record(className, limitSchema)
  .refine((limits) => Object.keys(limits).length <= API_KEY_LIST_LIMIT, 'must name at most 16 route classes');

export const plansFileSchema = z.strictObject({
  $schema: z.string().optional(),
  /** By name; `default` is for keys that name none. */
  plans: z.record(
    nameSchema,
    z.strictObject({
      /** For people. */
      description: z.string().min(1).max(200).optional(),
      /** By audience, `*` for those that are not named; then by route class. */
      limits: z.record(z.union([audienceSchema, z.literal('*')]), limitsSchema),
    }),
  ),
});
type PlansFile = z.infer<typeof plansFileSchema>;

/** Injection token of the {@link Plans}. */
export const PLANS = Symbol('countersign.issuer.plans');

/** How often keys may be used, as the plans file declares it. */
export class Plans {
  constructor(private readonly declared: PlansFile['plans'] = {}) {}

  /** The names, for an error that lists them. */
  get names(): readonly string[] {
    return Object.keys(this.declared);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.declared, name);
  }

  /**
   * The limits of a key's plan for one audience, by route class.
   * @param name undefined for a key without a plan: then `default` applies, if it exists
   * @returns undefined if nothing is limited; a plan that is no longer declared limits as `default` does
   */
  limitsOf(name: string | null, audience: string): Readonly<Record<string, ApiKeyLimit>> | undefined {
    const plan = name !== null && this.has(name) ? this.declared[name] : this.#default;
    if (plan === undefined) return undefined;
    return Object.hasOwn(plan.limits, audience) ? plan.limits[audience] : plan.limits['*'];
  }

  get #default(): PlansFile['plans'][string] | undefined {
    return Object.hasOwn(this.declared, 'default') ? this.declared['default'] : undefined;
  }
}

/** Reads PLANS_FILE; without it there are no plans. @throws {ConfigurationError} naming each fault */
export async function readPlansFile(path: string | undefined): Promise<Plans> {
  return path === undefined
    ? new Plans()
    : new Plans((await readDeclaredFile('PLANS_FILE', path, plansFileSchema)).plans);
}
