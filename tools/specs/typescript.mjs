// Loads TypeScript in this process: sources of the workspace instead of what is built from them, compiled by swc as they are imported.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { version } = require('@swc/core/package.json');

const options = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true },
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
  // By its name alone, which a trace finds beside what was compiled: a copy of the workspace has the same files elsewhere.
  const sourceFileName = basename(filename);
  const key = createHash('sha256')
    .update(JSON.stringify([version, options, sourceFileName, source]))
    .digest('hex');
  const kept = `${cache}${key}.js`;
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { code } = require('@swc/core').transformSync(source, { ...options, filename, sourceFileName });
  const draft = `${kept}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, kept);
  return code;
}

const jestGlobals = new URL('./jest-globals.mjs', import.meta.url).href;

/** Folders of ES modules that name each other's files exactly. */
const EXACT = /^.*\/node_modules\/(?:drizzle-orm|zod|@nestjs\/[\w-]+)\/(?!(?:.*\/)?node_modules\/)/;
/** rxjs is CommonJS, and its 200 files name each other without `.js`. */
const RXJS = /\/node_modules\/rxjs\/dist\/cjs\/(?!(?:.*\/)?node_modules\/)/;
/** A project of the workspace: all of its sources find the same package under a name. */
const PROJECT = /^(?!.*\/node_modules\/).*\/src\/(?=.*\.ts$)/;
/** Packages that were found, by folder and name. */
const known = new Map();

/** As libs/service-host/src/fast/find-files-directly.ts: Node would look for the package.json around each file again, and parse it. */
function findDirectly(specifier, { conditions, parentURL = '' }) {
  const isRelative = specifier.startsWith('./') || specifier.startsWith('../');
  const resolved = (file, format) => ({
    resolved: { url: new URL(file, parentURL).href, format, shortCircuit: true },
  });
  if (!conditions.includes('import'))
    return isRelative && !specifier.endsWith('.js') && RXJS.test(parentURL)
      ? resolved(`${specifier}.js`, 'commonjs')
      : {};
  const folder = (EXACT.exec(parentURL) ?? PROJECT.exec(parentURL))?.[0];
  if (folder === undefined) return {};
  if (isRelative)
    return specifier.endsWith('.js') && parentURL.includes('/node_modules/') ? resolved(specifier, 'module') : {};
  const key = `${folder} ${specifier}`;
  return { key, resolved: known.get(key) };
}

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
      const found = findDirectly(specifier, context);
      if (found.resolved !== undefined) return found.resolved;
      const resolved = nextResolve(specifier, {
        ...context,
        conditions: ['@countersign/source', ...context.conditions],
      });
      if (found.key !== undefined) known.set(found.key, { ...resolved, shortCircuit: true });
      return resolved;
    },
    load(url, context, nextLoad) {
      if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
      return { format: 'module', source: compile(fileURLToPath(url)), shortCircuit: true };
    },
  });
}
