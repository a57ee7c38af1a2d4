#!/usr/bin/env node
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createService } from './create-service.js';

const usage = `Usage: npm create countersign@latest NAME [-- options]

Creates a Nest service that verifies Countersign's tokens, with a database, an audit trail and tests, in the folder NAME.

Options:
  --directory <path>  where the folder is made (default: here)
  --packages <path>   take @countersign/* from packed packages in this folder instead of the registry
  --help`;

/** A path as a shell takes it for one word. */
const shellWord = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      directory: { type: 'string', default: '.' },
      packages: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [name, ...more] = positionals;
  if (values.help || name === undefined || more.length > 0) {
    console.log(usage);
    process.exitCode = values.help ? 0 : 2;
  } else {
    const { packages } = values;
    const { folder, files } = await createService({
      name,
      directory: values.directory,
      ...(packages === undefined ? {} : { packages }),
    });
    console.log(
      [
        `${String(files.length)} files are in ${folder}. Next:`,
        '',
        `  cd ${shellWord(relative('.', folder))} && npm install && npm test    its tests, on real PostgreSQL and NATS`,
        '',
        'As a service and a client of an installation:',
        `  deploy/client.json                                  its entry for the issuer's clients file; give its callers the scopes ${name}:read and ${name}:write`,
        `  npx countersign nats rights ${name}                 the account that it needs on NATS`,
        '',
        "On a local stack, from Countersign's own folder:",
        `  npm start -- --service ${name}                      database, account and client; then, here:`,
        `  npm run build && node --env-file=…/.countersign/env/${name}.env dist/main.js`,
      ].join('\n'),
    );
  }
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
