// Bundles a TypeScript or JavaScript program and the packages that it imports into a few files: `node tools/bundle.mjs MAIN FOLDER`.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { OPTIONAL } from '../libs/service-host/src/fast/find-files-directly.ts';

/** Packages that Node loads as they are installed: pino starts threads from its own files, the others are of use only to a service that asks for them. */
const LEFT_OUT = /^(?:pino|pino-pretty|@nestjs\/platform-express|@fastify\/static)(?=\/|$)/;

const MISSING = '\0missing';

function withoutOptional(dependencies) {
  return {
    name: 'optional',
    resolveId: {
      filter: { id: OPTIONAL },
      handler: (id) => (OPTIONAL.exec(id)[0] in dependencies ? null : MISSING),
    },
    load: {
      filter: { id: /^\0missing$/ },
      handler: () => "throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });",
    },
  };
}

/** Traces name the sources from which a library was compiled. */
const throughMaps = {
  name: 'maps',
  load: {
    filter: { id: /^(?!.*\/node_modules\/).*\.js$/ },
    handler: (id) =>
      existsSync(`${id}.map`) ? { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') } : null,
  },
};

/** A file that locates others relative to itself (migrations, pages) still finds them. */
const inItsPlace = (folder) => ({
  name: 'place',
  transform: {
    filter: { code: 'import.meta.url' },
    handler: (code, id) => {
      const place = JSON.stringify(relative(folder, id));
      return { code: code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`), map: null };
    },
  },
});

/**
 * Bundles a program.
 * @param input its modules that become files of their own, by the names of these
 * @param folder where the files are written, in place of everything that is there
 * @param dependencies the packages that the program asks for, by name
 */
export async function bundle(input, folder, dependencies = {}) {
  const build = await rolldown({
    input,
    platform: 'node',
    // TypeScript's own files name each other as what is compiled from them.
    resolve: { extensionAlias: { '.js': ['.js', '.ts'] } },
    tsconfig: false,
    transform: { target: 'es2023', decorator: { legacy: true } },
    external: LEFT_OUT,
    plugins: [withoutOptional(dependencies), throughMaps, inItsPlace(folder)],
    onLog(level, log, next) {
      if (log.code !== 'UNRESOLVED_IMPORT') next(level, log);
      // Packages may try optional imports. What our own files import must exist.
      else if (!log.id.includes('/node_modules/')) next('error', log);
    },
  });
  const { output } = await build.generate({
    dir: folder,
    format: 'esm',
    sourcemap: true,
    sourcemapExcludeSources: true,
    // Classes are named in the trail of a failure and by Nest.
    keepNames: true,
    // Modules run when Node would run them, and those of a part that is loaded later when it is.
    strictExecutionOrder: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'packages', test: /\/node_modules\//, tags: ['$initial'] }] },
  });
  await build.close();
  rmSync(folder, { recursive: true, force: true });
  for (const made of output) {
    const file = join(folder, made.fileName);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, made.type === 'chunk' ? made.code : made.source);
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  await bundle({ main: resolve(argv[2]) }, resolve(argv[3]));
