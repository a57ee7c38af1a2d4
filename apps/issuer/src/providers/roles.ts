import { z } from 'zod';
import { nameSchema } from '../registry/names.js';

/** Maximum roles of one person, because they are in each of the person's tokens. */
export const ROLES_LIMIT = 32;
/** Maximum values of a provider's claim that are examined. */
const VALUES_LIMIT = 1_000;

/** How a provider's claim becomes roles: values that the mapping does not name grant none. */
export const rolesMappingSchema = z.strictObject({
  /** The claim: its name, or the path to it (`["realm_access", "roles"]`). */
  claim: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(8)])
    .transform((claim) => (typeof claim === 'string' ? [claim] : claim)),
  /** Each value of the claim, compared exactly, with the roles that it grants. */
  map: z
    .record(z.string().min(1).max(256), z.array(nameSchema).min(1).max(ROLES_LIMIT))
    .refine(
      (map) => new Set(Object.values(map).flat()).size <= ROLES_LIMIT,
      `must grant at most ${String(ROLES_LIMIT)} different roles`,
    ),
});
export type RolesMapping = z.infer<typeof rolesMappingSchema>;

function memberAt(claims: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? Object.entries(value).find(([member]) => member === name)?.[1]
        : undefined,
    claims,
  );
}

/** A person's roles according to their provider: sorted, without duplicates; none if the claim is missing or has another shape. */
export function rolesOf(claims: unknown, { claim, map }: RolesMapping): readonly string[] {
  const said = memberAt(claims, claim);
  const values: readonly unknown[] = Array.isArray(said) ? said.slice(0, VALUES_LIMIT) : [said];
  const roles = values.flatMap((value) =>
    typeof value === 'string' && Object.hasOwn(map, value) ? (map[value] ?? []) : [],
  );
  return [...new Set(roles)].sort();
}
