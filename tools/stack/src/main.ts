import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTokenClient } from '@countersign/auth-core';
import { createProgram } from './arguments.js';
import { guestLines } from './guests.js';
import { writeSecret } from './identities.js';
import { Interruption } from './interruption.js';
import { readableLine } from './log-lines.js';
import { jsonSummary, reportSample } from './report.js';
import { makeSamplePayment } from './sample-payment.js';
import { serviceNames, type ServiceName } from './services.js';
import { startStack, type Stack } from './stack.js';
import { wordsFor } from './stack-error.js';
import { openStateDirectory } from './state-directory.js';

interface Arguments {
  readonly exit: boolean;
  readonly json: boolean;
  readonly reset: boolean;
  readonly without: readonly ServiceName[];
  readonly directory: string;
  readonly portBase: number;
  readonly demo: boolean;
  readonly service: readonly string[];
}

/** The exit code of a process that Ctrl-C ended, as shells report it. */
const INTERRUPTED = 130;

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** Three things to try, as they can be pasted into another terminal. */
async function whatToTry(stack: Stack, directory: string): Promise<string> {
  const { issuer, audit } = stack.urls;
  const auditor = createTokenClient({ issuer, clientId: 'auditor', key: stack.identities.clients.auditor });
  const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
  mkdirSync(join(directory, 'tokens'), { recursive: true, mode: 0o700 });
  const file = join(directory, 'tokens', 'auditor');
  writeSecret(file, token);
  return [
    ...Object.entries(stack.urls).map(([name, url]) => `  ${name.padEnd(8)}  ${url}`),
    '',
    ...(stack.demo === undefined
      ? []
      : [
          'In a browser:',
          `  ${stack.demo.urls.shop}           Corner Shop: sign in as Carol Diaz, allow it to pay, buy something`,
          `  ${audit}           the console: sign in as Amina Rahal, who is an auditor, and see who did what`,
          `  ${issuer}/account   what you allowed, to whom, and how it was used; end it there`,
          '',
        ]),
    'To try, in another terminal:',
    `  curl -s ${issuer}/.well-known/jwks.json`,
    `  curl -s ${stack.urls.payments}/health/ready`,
    `  curl -s -H "Authorization: Bearer $(cat '${file}')" '${audit}/events?subject=storefront&limit=5'    (the token is valid for 5 minutes)`,
    '',
    ...guestLines(stack.identities, directory),
    'Ctrl-C stops everything that was started here.',
    '',
  ].join('\n');
}

async function run(options: Arguments): Promise<void> {
  const startedAt = performance.now();
  const out = (text: string): void => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const seconds = (): string => ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(5);
  const coloured = (options.json ? process.stderr : process.stdout).isTTY;
  const directory = resolve(options.directory);
  const state = openStateDirectory(directory, options.reset);

  let stack: Stack | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (stack?.stop() ?? Promise.resolve()).finally(() => {
      state.release();
    });
    return stopping;
  };
  const interruption = new Interruption(
    process,
    () => {
      // What has started dies with this process; there is nothing yet that could end better.
      if (stack === undefined) return false;
      out('Stopping …');
      return true;
    },
    () => process.exit(INTERRUPTED),
  );
  try {
    const starting = startStack({
      root,
      directory,
      portBase: options.portBase,
      without: options.without,
      guests: options.service,
      // The sample needs nobody to sign in.
      demo: options.demo && !options.exit,
      onStep: (step) => {
        out(`${seconds()} s  ${step}`);
      },
      onLine: (name, line) => {
        out(readableLine(name, line, coloured));
      },
    });
    stack = await starting;
    if (options.without.length === 0) {
      const { storefront, auditor } = stack.identities.clients;
      const keys = { storefrontKey: storefront, auditorKey: auditor };
      const result = await interruption.orUndefined(makeSamplePayment({ ...stack.urls, ...keys }));
      if (result === undefined) {
        process.exitCode = INTERRUPTED;
        if (options.json) process.stdout.write(`${JSON.stringify({ ok: false, error: 'interrupted' })}\n`);
        return;
      }
      out(reportSample(result));
      out(
        `${seconds()} s  ${result.ok ? 'the payment settled and its audit events arrived' : 'the payment or its audit events are missing'}`,
      );
      if (!result.ok) process.exitCode = 1;
      if (options.exit) await stop();
      if (options.json) process.stdout.write(`${jsonSummary(result, Number(seconds()))}\n`);
    }
    if (!options.exit) {
      out(await whatToTry(stack, directory));
      const running = [...stack.services.values()].map(({ name, child }) => [name, child] as const);
      const died = [...running, ...Object.entries(stack.demo?.children ?? {})].map(([name, child]) =>
        child.exited.then((how) => `${name} ended: ${how}`),
      );
      const ended = await Promise.race([interruption.requested, ...died]);
      if (typeof ended === 'string') {
        out(`${ended}; stopping the others.`);
        process.exitCode = 1;
      }
    }
  } finally {
    await stop();
  }
}

const program = createProgram(serviceNames, join(root, '.countersign'));
const { exit, json, reset, without, directory, portBase: base, demo, service } = program.parse().opts<Arguments>();
try {
  await run({ exit, json, reset, without, directory, portBase: base, demo, service });
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
}
