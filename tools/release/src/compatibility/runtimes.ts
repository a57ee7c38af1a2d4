import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { install, run } from './command.js';
import { makeFolder } from './nest-project.js';
import { type Outcome } from './outcome.js';

/** The README's example of the verifier, and a token for another service: alike in every runtime that has `process.env`. */
const program = `import { bearerTokenOf, createTokenClient, createVerifier, generateSigningKey, requireScopes, TokenError } from '@countersign/auth-core';
const { ISSUER, GOOD, EXPIRED } = process.env;
const verifier = await createVerifier({ issuer: ISSUER, audience: 'orders' });
const caller = await verifier.verifyWithRefresh(bearerTokenOf('Bearer ' + GOOD));
requireScopes(caller, 'orders:read');
const code = await verifier.verifyWithRefresh(EXPIRED).catch((error) => (error instanceof TokenError ? error.code : String(error)));
const tokens = createTokenClient({ issuer: ISSUER, clientId: 'shop', key: await generateSigningKey() });
const { token } = await tokens.getToken({ audience: 'orders', scopes: ['orders:read'] });
console.log(JSON.stringify([caller.subject, code, (await verifier.verifyWithRefresh(token)).clientId]));
`;
const said = '["ada","TOKEN_EXPIRED","shop"]';

/** What each recipe of auth-core's examples must answer: to a valid token, to none, and to one that has expired. */
const lambda = `import { handler } from './examples/lambda.ts';
const { GOOD, EXPIRED } = process.env;
const answers = [];
for (const token of [GOOD, undefined, EXPIRED]) {
  const headers = token === undefined ? {} : { authorization: 'Bearer ' + token };
  const { statusCode, headers: { 'www-authenticate': challenge } = {} } = await handler({ version: '2.0', headers });
  answers.push([statusCode, /error="(\\w+)"/.exec(challenge)?.[1] ?? null]);
}
console.log(JSON.stringify(answers));
`;
const answered = '[[200,null],[401,null],[401,"invalid_token"]]';

/** workerd by Miniflare, with the recipe as it is bundled for Workers. */
const worker = `import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
const { ISSUER, GOOD, EXPIRED } = process.env;
const { outputFiles: [bundle] } = await build({
  entryPoints: ['examples/cloudflare-worker.ts'], bundle: true, write: false, format: 'esm', platform: 'neutral',
  conditions: ['workerd', 'worker', 'browser'], external: ['node:*'],
});
const runtime = new Miniflare({
  modules: true, script: bundle.text, cf: false, compatibilityDate: '2026-01-01', compatibilityFlags: ['nodejs_compat'], bindings: { ISSUER },
});
const answers = [];
for (const token of [GOOD, undefined, EXPIRED]) {
  const answer = await runtime.dispatchFetch('http://orders.test/', { headers: token === undefined ? {} : { authorization: 'Bearer ' + token } });
  await answer.text();
  answers.push([answer.status, /error="(\\w+)"/.exec(answer.headers.get('www-authenticate'))?.[1] ?? null]);
}
await runtime.dispose();
console.log(JSON.stringify(answers));
`;

const next = `import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
const { GOOD, EXPIRED } = process.env;
const port = await new Promise((resolve) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); }); });
const server = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'inherit' });
try {
  const url = 'http://127.0.0.1:' + port + '/api/orders';
  let up = false;
  for (let tries = 0; tries < 300 && !up; tries += 1) up = await fetch(url).then(() => true, () => new Promise((later) => setTimeout(() => later(false), 100)));
  const answers = [];
  for (const token of [GOOD, undefined, EXPIRED]) {
    const answer = await fetch(url, { headers: token === undefined ? {} : { authorization: 'Bearer ' + token } });
    await answer.text();
    answers.push([answer.status, /error="(\\w+)"/.exec(answer.headers.get('www-authenticate'))?.[1] ?? null]);
  }
  console.log(JSON.stringify(answers));
} finally {
  server.kill();
}
`;

/** A runtime or a place where Node runs, and what is run there. */
export interface Runtime {
  readonly name: string;
  readonly packages: Readonly<Record<string, string>>;
  /** Where its version is read. */
  readonly versionOf?: string;
  readonly files: Readonly<Record<string, string>>;
  readonly before?: readonly string[];
  readonly command: readonly string[];
  readonly expected: string;
}

export const runtimes: readonly Runtime[] = [
  {
    name: 'Bun',
    packages: { bun: '^1.3.0' },
    versionOf: 'bun',
    files: { 'verify.mjs': program },
    command: ['node_modules/.bin/bun', 'verify.mjs'],
    expected: said,
  },
  {
    name: 'Deno',
    packages: { deno: '^2.5.0' },
    versionOf: 'deno',
    files: { 'verify.mjs': program },
    command: ['node_modules/.bin/deno', 'run', '--no-lock', '--allow-net', '--allow-env', '--allow-read', 'verify.mjs'],
    expected: said,
  },
  {
    name: 'Cloudflare Workers (workerd, `nodejs_compat`)',
    packages: { miniflare: '^4.20260101.0', esbuild: '^0.25.0' },
    versionOf: 'workerd',
    files: { 'run.mjs': worker },
    command: ['node', 'run.mjs'],
    expected: answered,
  },
  {
    name: 'AWS Lambda (Node, an event of an HTTP API)',
    packages: { tsx: '^4.20.0' },
    files: { 'run.mjs': lambda },
    command: ['node', '--import', 'tsx', 'run.mjs'],
    expected: answered,
  },
  {
    name: 'Next (`proxy.ts`)',
    packages: { next: '^16.0.0', react: '^19.0.0', 'react-dom': '^19.0.0' },
    versionOf: 'next',
    files: {
      'run.mjs': next,
      'app/layout.jsx':
        'export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n',
      'app/api/orders/route.js': "export const GET = () => Response.json({ readBy: 'ada' });\n",
    },
    before: ['node', 'node_modules/next/dist/bin/next', 'build'],
    command: ['node', 'run.mjs'],
    expected: answered,
  },
];

const allowed = { bun: true, deno: true, esbuild: true, workerd: true, sharp: true };

/** @param examples auth-core's recipes */
async function prepared(
  { packages, files }: Runtime,
  folder: string,
  tarballs: Readonly<Record<string, string>>,
  examples: string,
): Promise<void> {
  const { '@countersign/auth-core': core = '' } = tarballs;
  const dependencies = { '@countersign/auth-core': core, ...packages };
  const manifest = { private: true, type: 'module', dependencies, allowScripts: allowed };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  makeFolder(join(folder, 'examples'));
  for (const name of ['cloudflare-worker.ts', 'lambda.ts'])
    copyFileSync(join(examples, name), join(folder, 'examples', name));
  if ('next' in packages) copyFileSync(join(examples, 'next-proxy.ts'), join(folder, 'proxy.ts'));
  for (const [name, text] of Object.entries(files)) {
    makeFolder(join(folder, name, '..'));
    writeFileSync(join(folder, name), text);
  }
  await install(folder);
}

async function asked(runtime: Runtime, folder: string, issuer: TestIssuer): Promise<Outcome> {
  const env = {
    ISSUER: issuer.issuer,
    GOOD: await issuer.mint({ subject: 'ada', scopes: ['orders:read'] }),
    EXPIRED: await issuer.mint({ lifetime: -100 }),
    NEXT_TELEMETRY_DISABLED: '1',
  };
  const steps = [...(runtime.before === undefined ? [] : [runtime.before]), runtime.command];
  for (const [index, [program = '', ...given]] of steps.entries()) {
    const { ok, output } = await run(program, given, { cwd: folder, env });
    if (!ok || (index === steps.length - 1 && !output.includes(runtime.expected))) return { passed: false, output };
  }
  return { passed: true };
}

/** Verifies tokens in a runtime, with the packed auth-core, at a test issuer's address. */
export async function tryRuntime(
  runtime: Runtime,
  parent: string,
  tarballs: Readonly<Record<string, string>>,
  examples: string,
): Promise<Outcome> {
  const folder = makeFolder(join(parent, runtime.name.replace(/\W+/g, '-').toLowerCase()));
  const issuer = await createTestIssuer({ audience: 'orders', listen: true });
  try {
    await prepared(runtime, folder, tarballs, examples);
    return await asked(runtime, folder, issuer);
  } catch (error) {
    return { passed: false, output: error instanceof Error ? error.message : String(error) };
  } finally {
    await issuer.close();
  }
}
