// `npm run compose-check`: docker-compose.yml as documented, on this machine's engine.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePortBase, wordsFor } from '@countersign/stack';
import { Command } from 'commander';
import { ComposeCheck } from './check.js';
import { Compose } from './compose.js';

interface Options {
  readonly build: boolean;
  readonly keep: boolean;
  readonly json: boolean;
}

const root = resolve(fileURLToPath(new URL('../../../..', import.meta.url)));
const project = 'countersign-check';

const program = new Command('npm run compose-check --')
  .description(
    'Builds the images, starts the stack as a separate compose project, makes the sample payment, runs every command of the documents, scales payments to two and kills one. Needs Docker; removes what it made.',
  )
  .option('--no-build', 'use the existing images instead of building them')
  .option('--keep', 'leave the project running, with its volumes', false)
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false);

const { build, keep, json } = program.parse().opts<Options>();
const out = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
const files = mkdtempSync(join(tmpdir(), 'countersign-compose-'));
try {
  // The container's user is not this one, and writes its files here.
  chmodSync(files, 0o777);
  const base = await freePortBase();
  const environment = {
    ISSUER_PORT: String(base),
    ACCOUNTS_PORT: String(base + 1),
    AUDIT_PORT: String(base + 2),
    PROVIDER_PORT: String(base + 10),
    SHOP_PORT: String(base + 11),
    PAYMENTS_PORT: `${String(base + 3)}-${String(base + 4)}`,
  };
  const compose = await Compose.find({ root, project, files, environment });
  try {
    const report = await new ComposeCheck(compose, out).run({ build });
    out(report.ok ? 'Every command did what the documents say.' : `BROKEN\n  ${report.wrong.join('\n  ')}`);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.ok ? 0 : 1;
  } finally {
    if (!keep) await compose.try('--profile', 'demo', 'down', '--volumes', '--remove-orphans');
  }
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
} finally {
  rmSync(files, { recursive: true, force: true });
}
