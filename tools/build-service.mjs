// Run in a service's folder: compiles it by TypeScript, then puts it and the packages that it imports into a few files, in `dist`. Node needs longer to
// find and link their thousand modules than to run them.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

// What an earlier build left, or `nx serve`, is not run.
rmSync('dist', { recursive: true, force: true });
const tsc = fileURLToPath(new URL('../node_modules/typescript7/bin/tsc', import.meta.url));
// Types are checked in all sources as one program (tools/test.mjs).
const compile = [tsc, '--singleThreaded', '--noCheck', '-p', 'tsconfig.build.json'];
const { status } = spawnSync(process.execPath, compile, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const input = { main: resolve('dist/main.js'), start: resolve('dist/start.js') };
await bundle(input, resolve('dist'), dependencies);
