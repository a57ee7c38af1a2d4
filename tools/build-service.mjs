// Run in a service's folder: puts it and the packages that it imports into a few files, in `dist`. Node needs longer to find and link their thousand
// modules than to run them. Types are checked in all sources as one program (tools/test.mjs).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { bundle } from './bundle.mjs';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
await bundle({ main: resolve('src/main.ts'), start: resolve('src/start.ts') }, resolve('dist'), dependencies);
