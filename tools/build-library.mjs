// Run in a published library's folder: builds `dist` (ES modules, by TypeScript) and from it `cjs`, the same code as CommonJS. With `--bundle` the ES
// modules become one file for each entry point, and for what entry points share: Node needs longer to find and link a module than to run it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { rolldown } from 'rolldown';

// Leftovers of an earlier build are not packed.
for (const folder of ['dist', 'cjs']) rmSync(folder, { recursive: true, force: true });
const tsc = fileURLToPath(new URL('../node_modules/typescript7/bin/tsc', import.meta.url));
// Types are checked in all sources as one program (tools/test.mjs); checking them here again took a third of a build's processor time.
const compile = [tsc, '--singleThreaded', '--noCheck', '-p', 'tsconfig.build.json'];
const { status } = spawnSync(process.execPath, compile, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const options = {
  swcrc: false,
  configFile: false,
  inputSourceMap: false,
  jsc: { target: 'es2023', parser: { syntax: 'ecmascript' }, keepClassNames: true, preserveAllComments: true },
  // `import x from` a CommonJS package is its `module.exports`, as for Node's ES modules; `import()` is a `require` later.
  module: { type: 'commonjs', importInterop: 'node' },
};
const withoutMap = (text) => text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '\n');
// `#name` of the package's `imports` is written as the file that it stands for in Node: resolutions before `exports` do not know it.
const { imports = {}, exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const withoutImports = (text, file) =>
  Object.entries(imports).reduce((before, [name, { default: target }]) => {
    const path = relative(dirname(file), target.replace('./dist/', ''));
    return before.replaceAll(`'${name}'`, `'${path.startsWith('.') ? path : `./${path}`}'`);
  }, text);

for (const file of readdirSync('dist', { recursive: true })) {
  if (!/\.(js|d\.ts)$/.test(file)) continue;
  const text = withoutImports(withoutMap(readFileSync(join('dist', file), 'utf8')), file);
  const made = join('cjs', file);
  mkdirSync(dirname(made), { recursive: true });
  writeFileSync(made, file.endsWith('.js') ? transformSync(text, options).code : text);
}
// Without it Node and TypeScript would take the folder for ES modules, as the package says.
writeFileSync('cjs/package.json', '{ "type": "commonjs" }\n');

if (process.argv.includes('--bundle')) {
  const entries = Object.values(exports).flatMap(({ default: file }) => file?.replace(/^\.\/dist\/|\.js$/g, '') ?? []);
  const withMap = {
    name: 'maps',
    load: (id) => ({ code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }),
  };
  const input = Object.fromEntries(entries.map((entry) => [entry, resolve('dist', `${entry}.js`)]));
  const bundle = await rolldown({ input, platform: 'node', plugins: [withMap] });
  const { output } = await bundle.generate({
    dir: 'dist',
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
  });
  await bundle.close();
  for (const file of readdirSync('dist', { recursive: true }))
    if (/\.js(\.map)?$/.test(file)) rmSync(join('dist', file));
  for (const made of output) {
    const file = join('dist', made.fileName);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, made.type === 'chunk' ? made.code : made.source);
  }
}
