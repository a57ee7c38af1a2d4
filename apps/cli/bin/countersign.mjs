#!/usr/bin/env node
// The command itself is compiled; a fresh clone has to build it once.
import { existsSync } from 'node:fs';

const compiled = new URL('../dist/main.js', import.meta.url);
if (existsSync(compiled)) {
  await import(compiled.href);
} else {
  console.error('countersign is not built yet. Run: npx nx build cli');
  process.exitCode = 2;
}
