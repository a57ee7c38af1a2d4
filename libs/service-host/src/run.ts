// Nothing but Node's own is imported here: this runs before a service's modules are found.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Packages whose `.js` files are ES modules that name each other exactly: drizzle-orm, and Countersign's own as installed and in its workspace. */
const EXACT =
  /\/node_modules\/(?:drizzle-orm|@countersign\/[\w-]+\/dist)\/|^(?!.*\/node_modules\/).*\/libs\/[\w-]+\/dist\//;

/**
 * For each import of a `.js` file Node 24 looks for the package.json around it and parses it, and drizzle-orm's lists 178 kB of exports: finding
 * its hundred files took a third of a service's start. Between ES modules that name each other exactly there is nothing to look up.
 */
function findFilesDirectly(main: string): void {
  const own = new URL('.', main).href;
  registerHooks({
    resolve(specifier, context, next) {
      const { conditions, parentURL } = context;
      const isExact =
        specifier.startsWith('.') &&
        specifier.endsWith('.js') &&
        parentURL !== undefined &&
        conditions.includes('import') &&
        (parentURL.startsWith(own) || EXACT.test(parentURL));
      if (!isExact) return next(specifier, context);
      return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
    },
  });
}

/** Failures whose message says all: a stack would only hide it. */
const IN_WORDS: ReadonlySet<string> = new Set(['MigrationError', 'DatabaseRefused']);

/** The word after `main.js` that migrates the database instead of running the service. */
const MIGRATE = 'migrate';

/**
 * Runs a service from its `main.ts`, which imports nothing else: `runService(import.meta.url, () => import('./start.js'))`.
 * `node dist/main.js migrate` applies the app's `migrations` instead and ends: the one command that holds MIGRATION_DATABASE_URL.
 * Any failure to start is printed in words and ends the process: exit code 2 for a wrong configuration, else 1.
 *
 * @param main the `import.meta.url` of `main.ts`; the app's migrations are in the folder `../migrations` of it
 * @param load imports what starts the service
 */
export function runService(main: string, load: () => Promise<unknown>): void {
  findFilesDirectly(main);
  const migrate = async (): Promise<void> => {
    const { runMigrations } = await import('./migrate.js');
    await runMigrations(fileURLToPath(new URL('../migrations', main)));
  };
  (process.argv[2] === MIGRATE ? migrate() : load()).catch((error: unknown) => {
    const known = error instanceof Error && 'code' in error && error.code === 'CONFIGURATION_INVALID';
    const plain = error instanceof Error && IN_WORDS.has(error.name);
    process.stderr.write(
      `${known || plain ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(known ? 2 : 1);
  });
}
