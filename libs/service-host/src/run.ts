// Nothing but Node's own is imported here: this runs before a service's modules are found.
import { registerHooks } from 'node:module';

/**
 * For each import of a `.js` file Node 24 parses the whole package.json around it, and drizzle-orm's lists 178 kB of exports: finding
 * its hundred files took a third of a service's start. Between themselves its ES modules name the files exactly, so there is nothing to look up.
 */
function findDrizzleFilesDirectly(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (
        !specifier.startsWith('.') ||
        !specifier.endsWith('.js') ||
        !parentURL?.includes('/node_modules/drizzle-orm/')
      )
        return next(specifier, context);
      return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
    },
  });
}

/**
 * Runs a service from its `main.ts`, which imports nothing else: `runService(() => import('./start.js'))`.
 * Any failure to start is printed in words and ends the process: exit code 2 for a wrong configuration, else 1.
 */
export function runService(load: () => Promise<unknown>): void {
  findDrizzleFilesDirectly();
  load().catch((error: unknown) => {
    const known = error instanceof Error && 'code' in error && error.code === 'CONFIGURATION_INVALID';
    process.stderr.write(
      `${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(known ? 2 : 1);
  });
}
