// `npx nx g ./tools/generators:service orders`. Plain JavaScript, so that it runs before anything is built.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { formatFiles, generateFiles } from '@nx/devkit';
import {
  addToClients,
  addToCompose,
  addToDatabases,
  addToDockerfile,
  addToServices,
  servicesIn,
} from './workspace-edits.mjs';

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

/** `orders` → `order`, `Order`, `Orders`; a name without an s at its end is its own singular. */
export function namesOf(name) {
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const singular = name.endsWith('s') && !name.endsWith('ss') ? name.slice(0, -1) : name;
  return { name, singular, Name: capital(name), Singular: capital(singular) };
}

export default async function service(tree, { name }) {
  if (!/^[a-z][a-z0-9]{1,30}$/.test(name) || reserved.has(name))
    throw new Error(
      `${name} cannot be a service's name: small letters and digits, and none of ${[...reserved].join(', ')}`,
    );
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
  edit('tools/stack/src/identities.ts', (text) => addToClients(text, name));
  await formatFiles(tree);
  return () => {
    // The lock file must know the new package: the images are built by `npm ci`.
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
        '  tools/stack/src/identities.ts      which client may ask for which of its scopes',
        '  docker compose exec postgres bash /docker-entrypoint-initdb.d/init.sh   its database, where compose was up before',
      ].join('\n'),
    );
  };
}
