// Only Node's own and the hook are imported here: this runs before a service's modules are found.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { findFilesDirectly } from './fast/find-files-directly.js';

/**
 * V8's compiled code is cached for the next start, among the packages: anyone who can write there can change the code itself. If this process cannot
 * write, it uses what is there and stores nothing. `NODE_COMPILE_CACHE` names another folder, `NODE_DISABLE_COMPILE_CACHE=1` turns the cache off.
 */
function keepCompiled(main: string): void {
  for (let folder = new URL('.', main); ; folder = new URL('..', folder)) {
    const packages = new URL('node_modules/', folder);
    if (existsSync(packages)) {
      enableCompileCache(fileURLToPath(new URL('.cache/compiled', packages)));
      return;
    }
    if (folder.pathname === new URL('..', folder).pathname) return;
  }
}

/** Failures whose message says everything: a stack would only obscure it. */
const IN_WORDS: ReadonlySet<string> = new Set(['MigrationError', 'DatabaseRefused']);

/** For a name with several addresses Node's error has no message, only an error for each. */
function tracesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error instanceof AggregateError ? [own, ...error.errors.map(tracesOf)].join('\n') : own;
}

/** Commands after `main.js` that every service has, and what each does. */
const commands = {
  migrate: "bring the database's schema up to date and exit; needs MIGRATION_DATABASE_URL and DATABASE_URL",
  '--help': 'show this',
};

const usageOf = (own: Readonly<Record<string, string>>): string =>
  [
    'Usage: node dist/main.js [command]',
    '',
    'Without a command, runs the service with settings from environment variables. Commands:',
    '',
    ...Object.entries({ ...own, ...commands }).map(([word, does]) => `  ${word.padEnd(12)}${does}`),
    '',
  ].join('\n');

/**
 * Runs a service from its `main.ts`, which imports nothing else: `runService(import.meta.url, () => import('./start.js'))`.
 * `node dist/main.js migrate` applies the app's `migrations` instead and exits: the one command that uses MIGRATION_DATABASE_URL.
 * `--help` lists the commands. Any failure to start is printed as a message and ends the process: exit code 2 for a wrong configuration or an unknown
 * command, else 1.
 *
 * @param main the `import.meta.url` of `main.ts`; the app's migrations are in `../migrations`, relative to it
 * @param load imports what starts the service
 * @param own the service's additional commands, which `load` finds in `process.argv`, and what each does
 */
export function runService(
  main: string,
  load: () => Promise<unknown>,
  own: Readonly<Record<string, string>> = {},
): void {
  const words = process.argv.slice(2);
  const [word] = words;
  if (word === '--help') {
    process.stdout.write(usageOf(own));
    return;
  }
  if (words.length > 1 || (word !== undefined && !Object.hasOwn({ ...own, ...commands }, word))) {
    process.stderr.write(`error: unknown command: ${words.join(' ')}\n\n${usageOf(own)}`);
    process.exit(2);
  }
  keepCompiled(main);
  findFilesDirectly(main);
  const migrate = async (): Promise<void> => {
    const { runMigrations } = await import('./migrate.js');
    await runMigrations(fileURLToPath(new URL('../migrations', main)));
  };
  (word === 'migrate' ? migrate() : load()).catch((error: unknown) => {
    const known = error instanceof Error && 'code' in error && error.code === 'CONFIGURATION_INVALID';
    const plain = error instanceof Error && IN_WORDS.has(error.name);
    process.stderr.write(`${known || plain ? error.message : tracesOf(error)}\n`);
    process.exit(known ? 2 : 1);
  });
}
