import { join } from 'node:path';
import { run } from './command.js';
import { type NestProject } from './nest-project.js';
import { type NodeVersion } from './node-versions.js';
import { type Outcome } from './outcome.js';
import { type Variant } from './variants.js';

const compiled = new Set<string>();

/**
 * Runs `npm test` of a variant on one version of Node; npm and the runner too.
 * @param databaseUrl of a PostgreSQL for the parts that need one
 */
export async function testVariant(
  project: NestProject,
  variant: Variant,
  node: NodeVersion,
  databaseUrl: string,
): Promise<Outcome> {
  const home = join(project.folder, variant.folder);
  const bin = `${node.bin}:${join(project.folder, 'node_modules/.bin')}`;
  if (variant.compiled && !compiled.has(home)) {
    const { ok, output } = await run('npm', ['run', 'build'], { cwd: home, bin });
    if (!ok) return { passed: false, output };
    compiled.add(home);
  }
  const { ok, output } = await run('npm', ['test'], { cwd: home, bin, env: { DATABASE_URL: databaseUrl } });
  return ok ? { passed: true } : { passed: false, output };
}
