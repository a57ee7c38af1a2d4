// `nx serve payments`: compiles and restarts on each change, with the variables that the last `npm start` wrote.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name] = process.argv.slice(2);
const environment = `${root}.countersign/env/${name}.env`;
const migration = `${root}.countersign/env/${name}.migrate.env`;
if (!existsSync(environment)) {
  console.error(`There is no ${environment} yet. Start the rest of the stack first: npm start -- --without ${name}`);
  process.exit(2);
}
const bin = `${root}node_modules/.bin`;
const options = { cwd: `${root}apps/${name}`, stdio: 'inherit' };
// The service itself never holds what migrates its database.
const migrated = spawnSync(`${bin}/node`, [`--env-file=${migration}`, 'dist/main.js', 'migrate'], options);
if (migrated.status !== 0) process.exit(1);
const children = [
  spawn(
    `${bin}/node`,
    [`${root}node_modules/typescript7/bin/tsc`, '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'],
    options,
  ),
  spawn(`${bin}/node`, [`--env-file=${environment}`, '--enable-source-maps', '--watch', 'dist/main.js'], {
    ...options,
    env: { ...process.env, LOG_FORMAT: 'pretty' },
  }),
];
const stop = () => children.forEach((child) => child.kill('SIGTERM'));
process.on('SIGINT', stop).on('SIGTERM', stop);
for (const child of children) child.on('exit', stop);
