import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const claims = z.record(z.string(), z.unknown());
const shapeSchema = z.object({
  issuer: z.string(),
  audience_that_a_service_expects: z.string(),
  header: claims,
  claims,
});
const trapSchema = z.object({
  shape: z.string(),
  profile: z.string(),
  what: z.string(),
  header: claims.default({}),
  claims,
  code: z.string(),
});

/** A token as one of the field's issuers makes it. */
export type IssuerShape = z.infer<typeof shapeSchema>;
/** A change of such a token that a profile must refuse. */
export type IssuerTrap = z.infer<typeof trapSchema>;

const read = (root: string, file: string): unknown =>
  JSON.parse(readFileSync(join(root, 'libs/auth-core/src/testing', file), 'utf8'));

/** @param root the workspace's own folder */
export const issuerShapes = (root: string): Readonly<Record<string, IssuerShape>> =>
  z.record(z.string(), shapeSchema).parse(read(root, 'token-shapes.json'));

export const issuerTraps = (root: string): readonly IssuerTrap[] =>
  z.object({ traps: z.array(trapSchema) }).parse(read(root, 'token-traps.json')).traps;
