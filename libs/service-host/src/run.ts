// Nothing but Node's own is imported here: this runs before a service's modules are found.
import { existsSync } from 'node:fs';
import { enableCompileCache, registerHooks, type ResolveFnOutput } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Folders of ES modules that name each other's files exactly, and that all find the same package under a name: drizzle-orm, Nest, zod, and Countersign's
 * own as installed and in its workspace.
 */
const EXACT =
  /^.*\/node_modules\/(?:drizzle-orm|zod|@nestjs\/(?:common|core|platform-fastify)|@countersign\/[\w-]+\/dist)\/(?!(?:.*\/)?node_modules\/)|^(?!.*\/node_modules\/).*\/libs\/[\w-]+\/dist\//;

/** rxjs is CommonJS, and its 200 files name each other without `.js`. */
const RXJS = /\/node_modules\/rxjs\/dist\/cjs\/(?!(?:.*\/)?node_modules\/)/;

/** What an application of Nest loads where it happens to be installed: of use only to a service that imports it. */
const OPTIONAL = /^@nestjs\/(?:microservices|websockets)(?=\/|$)/;
const NEST_APPLICATION = '/node_modules/@nestjs/core/nest-application.js';

/**
 * For each import of a `.js` file Node 24 looks for the package.json around it and parses it, and drizzle-orm's lists 178 kB of exports: finding
 * its hundred files took a third of a service's start. Between ES modules that name each other exactly there is nothing to look up, and a
 * package is looked up once for a folder, not once for each file that imports it.
 */
function findFilesDirectly(main: string): void {
  const own = new URL('.', main).href;
  const found = new Map<string, ResolveFnOutput>();
  const optional = new Set<string>();
  registerHooks({
    resolve(specifier, context, next) {
      const { conditions, parentURL } = context;
      if (parentURL === undefined) return next(specifier, context);
      const isRelative = specifier.startsWith('./') || specifier.startsWith('../');
      if (!conditions.includes('import')) {
        if (!isRelative || specifier.endsWith('.js') || !RXJS.test(parentURL)) return next(specifier, context);
        return { url: new URL(`${specifier}.js`, parentURL).href, format: 'commonjs', shortCircuit: true };
      }
      const wanted = OPTIONAL.exec(specifier)?.[0];
      if (wanted !== undefined) {
        if (!parentURL.endsWith(NEST_APPLICATION)) optional.add(wanted);
        else if (!optional.has(wanted))
          throw Object.assign(new Error(`nothing imported ${wanted}`), { code: 'ERR_MODULE_NOT_FOUND' });
      }
      const isOwn = parentURL.startsWith(own) && !parentURL.includes('/node_modules/', own.length - 1);
      const folder = isOwn ? own : EXACT.exec(parentURL)?.[0];
      if (folder === undefined || !/^[.\w@]/.test(specifier)) return next(specifier, context);
      if (isRelative) {
        if (!specifier.endsWith('.js')) return next(specifier, context);
        return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
      }
      const key = `${folder} ${specifier}`;
      const known = found.get(key) ?? { ...next(specifier, context), shortCircuit: true };
      found.set(key, known);
      return known;
    },
  });
}

/**
 * What V8 compiled is kept for the next start, among the packages: anyone who can write there can change the code itself. Where this process cannot
 * write, it uses what is there, and nothing is kept. `NODE_COMPILE_CACHE` names another folder, `NODE_DISABLE_COMPILE_CACHE=1` does without.
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
  keepCompiled(main);
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
