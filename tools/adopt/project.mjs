// A fresh project outside the workspace, with the packed libraries instead of the registry's.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const env = {
  ...process.env,
  NODE_OPTIONS: '',
  npm_config_loglevel: 'error',
  npm_config_fund: 'false',
  npm_config_audit: 'false',
};

export function run(command, args, cwd, more = {}) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Packs libraries of the workspace. @returns their tarballs by name */
export function pack(directories, folder) {
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(
    directories.map((directory) => {
      const [packed] = JSON.parse(
        run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], join(root, directory)),
      );
      return [packed.name, `file:${join(folder, packed.filename)}`];
    }),
  );
}

/** The code of a page: its block that says `before` or `after`. */
export function blockOf(page, side) {
  const text = readFileSync(join(root, 'docs/adopt', `${page}.md`), 'utf8');
  return new RegExp('```ts ' + side + '\\n([\\s\\S]*?)```').exec(text)[1];
}

/** Makes and installs a project. */
export function project(folder, tarballs, dependencies, files, options = {}) {
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: 'fresh',
    private: true,
    type: options.type ?? 'module',
    dependencies: Object.fromEntries(dependencies.map(([name, version]) => [name, version ?? tarballs[name]])),
    overrides: tarballs,
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    outDir: 'out',
    rootDir: '.',
    types: ['node'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', 'generated'] }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  run('npm', ['install', '--prefer-offline', '--ignore-scripts'], folder);
  options.beforeBuild?.(folder);
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], folder);
}

export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Starts a program of the project and waits until it answers. @returns how to stop it */
export async function serve(folder, program, url, more) {
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const ended = new Promise((done) => child.once('exit', done));
  for (const until = Date.now() + 60_000; ;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer !== undefined && answer.status !== 503) break;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`it does not answer:\n${said}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return async () => {
    child.kill();
    await ended;
  };
}

/** @throws {Error} unless it is 200 with the token and 401 without */
export async function check(url, token) {
  const statuses = [];
  for (const headers of [{ authorization: `Bearer ${token}` }, {}])
    statuses.push((await fetch(url, { headers })).status);
  if (statuses.join() !== '200,401') throw new Error(`answers ${statuses.join(' and ')} instead of 200 and 401`);
}
