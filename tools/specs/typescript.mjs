// Loads TypeScript in this process: sources of the workspace instead of what is built from them, compiled by swc as they are imported.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { version } = require('@swc/core/package.json');

const options = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
  configFile: false,
  swcrc: false,
};
const cache = fileURLToPath(new URL('../../node_modules/.cache/specs/', import.meta.url));

/** What one process compiled, all later ones read: a quarter of a second for each that starts a service. */
function compile(filename) {
  const source = readFileSync(filename, 'utf8');
  const key = createHash('sha256')
    .update(JSON.stringify([version, options, filename, source]))
    .digest('hex');
  const kept = `${cache}${key}.js`;
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { code } = require('@swc/core').transformSync(source, { ...options, filename });
  const draft = `${kept}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, kept);
  return code;
}

const jestGlobals = new URL('./jest-globals.mjs', import.meta.url).href;

export function loadTypeScript() {
  mkdirSync(cache, { recursive: true });
  process.setSourceMapsEnabled(true);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === '@jest/globals') return { url: jestGlobals, format: 'module', shortCircuit: true };
      if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
        const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
        if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
      }
      // As libs/service-host/src/run.ts says: Node would parse a large package.json again for each of a hundred files.
      if (
        context.parentURL?.includes('/node_modules/drizzle-orm/') &&
        specifier.startsWith('.') &&
        specifier.endsWith('.js')
      )
        return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true };
      return nextResolve(specifier, { ...context, conditions: ['@countersign/source', ...context.conditions] });
    },
    load(url, context, nextLoad) {
      if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
      return { format: 'module', source: compile(fileURLToPath(url)), shortCircuit: true };
    },
  });
}
