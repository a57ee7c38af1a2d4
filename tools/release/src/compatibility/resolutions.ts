import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { run, type Ran } from './command.js';
import { compilerOptions } from './variants.js';

export const resolutions = ['node', 'node16', 'nodenext', 'bundler'] as const;
export type Resolution = (typeof resolutions)[number];

const optionsOf: Readonly<Record<Resolution, object>> = {
  node: { module: 'commonjs', moduleResolution: 'node10' },
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'preserve', moduleResolution: 'bundler' },
};

/** Every sub-path of the packages that the project has. */
const surface = `import { createVerifier, type Principal } from '@countersign/auth-core';
import { parseCompactJws } from '@countersign/auth-core/jws';
import { acceptsType } from '@countersign/auth-core/profiles';
import { hostileCases } from '@countersign/auth-core/corpus';
import { AuthModule } from '@countersign/auth';
import { passportBearer } from '@countersign/auth/passport';
import { defineEvents } from '@countersign/audit-event';
import { childTraceparent } from '@countersign/audit-event/trace-context';
import { countersignMatchers, createTestIssuer } from '@countersign/test-kit';
import { expect as vitest } from 'vitest';
import { AuditOutbox } from '@countersign/audit-client';
import { startRevocationFeed } from '@countersign/revocation-feed';
import { rightsTable } from '@countersign/nats-rights';
import { leafHash } from '@countersign/merkle-log';
import { PostgresDpopReplayStore } from '@countersign/service-host/dpop';
import { HealthModule } from '@countersign/service-host/health';
import { ProblemsModule } from '@countersign/service-host/problems';
import { Refusals } from '@countersign/service-host/refusals';
import { traceOf } from '@countersign/service-host/trace';
export const subjectOf = (principal: Principal): string => principal.subject;
export const all = [createVerifier, parseCompactJws, acceptsType, hostileCases, AuthModule, passportBearer, defineEvents, childTraceparent, createTestIssuer, AuditOutbox, startRevocationFeed, rightsTable, leafHash, PostgresDpopReplayStore, HealthModule, ProblemsModule, Refusals, traceOf];
vitest.extend(countersignMatchers);
export const refused: Promise<void> = vitest({}).toBeRefusedWith('TOKEN_MISSING');
// @ts-expect-error a code is a text
export const unknown = vitest({}).toBeRefusedWith(401);
// @ts-expect-error a number is no subject: so these are types, and not any
export const wrong = (principal: Principal): number => principal.subject;
`;

/** Compiles the README's example and the imports of every sub-path in a project, by its own TypeScript. */
export async function compiles(project: string, resolution: Resolution): Promise<Ran> {
  const manifest: unknown = JSON.parse(readFileSync(join(project, 'node_modules/typescript/package.json'), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  const file = `tsconfig.${resolution}.json`;
  writeFileSync(join(project, 'src/surface.ts'), surface);
  const ignored = version.startsWith('5.') ? {} : { ignoreDeprecations: '6.0' };
  const options = { ...compilerOptions, ...optionsOf[resolution], ...ignored, noEmit: true, rootDir: '.' };
  const config = { compilerOptions: options, files: ['src/orders.module.ts', 'src/surface.ts'] };
  writeFileSync(join(project, file), JSON.stringify(config));
  return run('node', ['node_modules/typescript/bin/tsc', '--pretty', 'false', '-p', file], { cwd: project });
}
