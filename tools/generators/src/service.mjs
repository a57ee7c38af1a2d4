// `npx nx g ./tools/generators:service orders`. Plain JavaScript, so that it runs before anything is built.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { formatFiles, generateFiles } from '@nx/devkit';
// By Node's own type stripping: the same names as outside the workspace.
import { nameProblem, namesOf } from '../../create-countersign/src/service-names.ts';
import { addToCompose, addToDatabases, addToDockerfile, addToServices, servicesIn } from './workspace-edits.mjs';

const reserved = new Set([
  'postgres',
  'nats',
  'identities',
  'sample',
  'cli',
  'stack',
  'build',
  'runtime',
  'service',
  'packages',
  'manifests',
]);

/** Whether npm has installed the service before, with the same packages: it was removed and made again. */
function isInstalled(root, name) {
  const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { dependencies, devDependencies } = read(`apps/${name}/package.json`);
  const known = read('package-lock.json').packages[`apps/${name}`];
  return (
    existsSync(join(root, 'node_modules/@countersign', name)) &&
    isDeepStrictEqual([dependencies, devDependencies], [known?.dependencies, known?.devDependencies])
  );
}

export default async function service(tree, { name }) {
  const problem = reserved.has(name) ? `must be none of ${[...reserved].join(', ')}` : nameProblem(name);
  if (problem !== undefined) throw new Error(`${name} cannot be a service's name: it ${problem}`);
  if (tree.exists(`apps/${name}`)) throw new Error(`apps/${name} is already there`);
  const list = 'tools/backing-services/src/nats-configuration.ts';
  const known = servicesIn(tree.read(list, 'utf8'));
  const port = 4000 + (known.includes(name) ? known.indexOf(name) : known.length);
  generateFiles(tree, fileURLToPath(new URL('./files', import.meta.url)), `apps/${name}`, { ...namesOf(name), port });

  const edit = (path, change) => tree.write(path, change(tree.read(path, 'utf8')));
  edit(list, (text) => addToServices(text, name));
  edit('deploy/postgres/init.sh', (text) => addToDatabases(text, name));
  edit('Dockerfile', (text) => addToDockerfile(text, name, port));
  edit('docker-compose.yml', (text) => addToCompose(text, name, port));
  await formatFiles(tree);
  return () => {
    // The lock file must know the new package: the images are built by `npm ci`.
    if (!isInstalled(tree.root, name))
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
        cwd: tree.root,
        stdio: 'inherit',
      });
    console.log(
      [
        `\n${name} is in apps/${name}, on port ${port} of the local stack.`,
        `  npx nx test ${name}                its tests, on real PostgreSQL and NATS`,
        '  npm start                          the stack with it',
        `  npx countersign token --audience ${name}   beside it, a token to try it with`,
        `  ${name}:read and ${name}:write are storefront's already; tools/stack/src/client-policies.ts says who may ask for what`,
        '  docker compose exec postgres bash /docker-entrypoint-initdb.d/init.sh   its database, where compose was up before',
      ].join('\n'),
    );
  };
}
