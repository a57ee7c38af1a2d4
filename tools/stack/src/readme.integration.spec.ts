import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { portIsFree, testFolder } from '@countersign/backing-services';
import { createTestIssuer } from '@countersign/test-kit';
import { z } from 'zod';
import { freePortBase } from './free-ports.js';

const root = resolve(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const main = join(root, 'tools/stack/dist/main.js');

function blocks(language: string): readonly string[] {
  return [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, tag]) => tag === language)
    .map(([, , code]) => code ?? '');
}
function block(language: string, part: string): string {
  const found = blocks(language).filter((code) => code.includes(part));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

describe("the README's commands and snippets", () => {
  const folder = testFolder();
  const directory = join(folder, '.countersign');
  let base: number;
  let stack: ChildProcess;
  let output = '';

  /** The text as written, but on this test's own ports. */
  const here = (text: string): string =>
    text.replaceAll(
      /(127\.0\.0\.1:)400(\d)/g,
      (_, host: string, digit: string) => `${host}${String(base + Number(digit))}`,
    );
  /** Without colours: nx emits colour codes, which would be in the middle of the expected text. */
  const plain: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: '0' };
  const run = (script: string, env: NodeJS.ProcessEnv = {}): string =>
    execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...plain, ...env },
    });

  beforeAll(async () => {
    base = await freePortBase();
    for (const name of ['tools', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
    stack = spawn(
      process.execPath,
      [main, '--directory', directory, '--port-base', String(base), '--service', 'orders'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise<void>((done, failed) => {
      stack.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (output.includes('Ctrl-C stops everything')) done();
      });
      stack.once('exit', (code) => {
        failed(new Error(`the stack ended with ${String(code)}:\n${output}`));
      });
    });
  }, 180_000);
  afterAll(async () => {
    const ended = new Promise((done) => stack.once('exit', done));
    stack.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await portIsFree(base)).toBe(true);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('start the stack, which prints the payment, the balances, the trail and three commands to try', () => {
    expect(block('sh', 'npm test')).toContain('npm start');
    expect(output).toMatch(/Payment [0-9a-f-]{36}: settled, 19\.99 EUR/);
    expect(output).toMatch(/payments {2,}storefront {2,}transfers:create/);
    const commands = output
      .split('\n')
      .filter((line) => line.startsWith('  curl '))
      .map((line) => line.replace(/ {2,}\(.*$/, ''));
    expect(commands).toHaveLength(3);
    for (const command of commands) expect(() => JSON.parse(run(command)) as unknown).not.toThrow();
  });

  it('refuse a second start beside the first, in words', () => {
    const second = spawnSync(process.execPath, [main, '--directory', directory, '--exit'], { encoding: 'utf8' });
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining('already running')]);
    const other = spawnSync(
      process.execPath,
      [main, '--directory', join(folder, 'other'), '--port-base', String(base), '--exit'],
      { encoding: 'utf8' },
    );
    expect([other.status, other.stderr]).toEqual([
      1,
      expect.stringMatching(/Port \d+ \(issuer\) is taken.*--port-base/s),
    ]);
  });

  it('lead to a demo application that is there, and to examples that run', async () => {
    const shop = /In a browser:\n {2}(http:\S+)/.exec(output)?.[1] ?? '';
    expect(await (await fetch(shop)).text()).toContain('Sign in with your bank');
    const example = (name: string): string =>
      run(`"${process.execPath}" "${join(root, 'examples', name, 'run.mjs')}"`, { COUNTERSIGN_STACK: directory });
    // What a stack leaves behind is not one that runs.
    const stopped = join(folder, 'stopped');
    mkdirSync(join(stopped, 'env'), { recursive: true });
    writeFileSync(join(stopped, 'env', 'issuer.env'), 'PORT=1\n');
    const without = spawnSync(process.execPath, [join(root, 'examples/two-services/run.mjs')], {
      encoding: 'utf8',
      env: { ...plain, COUNTERSIGN_STACK: stopped },
    });
    expect([without.status, without.stderr]).toEqual([
      2,
      'No local stack is running. In another terminal: npm start\n',
    ]);
    expect(example('two-services').split('\n')).toEqual([
      expect.stringMatching(/^1\. .*storefront may payments:create at payments, for 300 seconds\.$/),
      '2. A service verifies it by itself: 1000 times, 0 questions to the issuer.',
      '3. payments accepts it, and calls accounts for its caller: 201 settled.',
      '4. accounts does not accept the same token: 401 AUDIENCE_MISMATCH.',
      '5. accounts knows the chain all the same: storefront, through payments.',
      '',
    ]);
    expect(example('api-keys').split('\n')).toEqual([
      '1. Three applications have a key each, shown once: csk_local…',
      '2. shop asks 10 times, 10 answered; partner 10 times, 10 answered.',
      '3. crawler asks 200 times at once: 200 answers, most of them 429.',
      '4. The issuer has counted each of them.',
      '5. Its key is revoked: 401 API_KEY_INVALID.',
      '',
    ]);
    const answers = example('who-moved-money');
    for (const [question, answer] of [
      ['Who moved money?', /accounts +transfers:create .* storefront +payments/],
      ['Who was refused?', /denied AUDIENCE_MISMATCH/],
      ['And who has read the trail?', /audit +audit:read .* auditor/],
    ] as const)
      expect(answers.slice(answers.indexOf(question)).split('\n\n')[0]).toMatch(answer);
    expect(example('mobile-app').split('\n')).toEqual([
      expect.stringMatching(/^1\. Carol signs in .* "See the payments that it made for you"\.$/),
      '2. She allows it; the answer goes to com.example.wallet: with code, state, iss.',
      '3. A program that stole the code gets 400 invalid_grant; the code still works for its owner.',
      "4. The token works with a proof of the device's key: 200; copied elsewhere: 401 DPOP_PROOF_MISSING.",
      '5. Two refreshes at the same moment bring the same successor: nobody is signed out.',
      '6. Carol ends it on her account page: payments refuses the token (401), the issuer the refresh token (invalid_grant).',
      '',
    ]);
  }, 120_000);

  it('get a token by curl', () => {
    const answer: unknown = JSON.parse(
      run(
        here(
          block('sh', 'ASSERTION=').replace(
            'client-assertion.js auditor',
            `client-assertion.js auditor .countersign http://127.0.0.1:4000`,
          ),
        ),
      ),
    );
    expect(answer).toMatchObject({ token_type: 'Bearer', scope: 'audit:read', expires_in: 300 });
  });

  it("of the feed's package receive revocations as an outside service, and report immediately why they cannot", () => {
    const written = readFileSync(join(root, 'libs/revocation-feed/README.md'), 'utf8');
    const code = /```ts\n([\s\S]*?)```/.exec(written)?.[1] ?? '';
    const command = /```sh\n(node [\s\S]*?)```/.exec(written)?.[1] ?? '';
    writeFileSync(join(folder, 'feed.ts'), `${code}await feed.close();\n`);
    expect(run(command)).toContain("state: 'current'");
    writeFileSync(join(folder, 'wrong-password'), 'wrong');
    const refusedWithin = (loadLimitMs: number) => {
      writeFileSync(
        join(folder, 'refused.ts'),
        code.replace("whenLost: 'accept',", `loadLimitMs: ${String(loadLimitMs)},`),
      );
      return spawnSync('bash', ['-c', command.replace('feed.ts', 'refused.ts')], {
        cwd: folder,
        encoding: 'utf8',
        // What is set already wins over the file.
        env: { ...plain, NATS_PASSWORD_FILE: join(folder, 'wrong-password') },
      });
    };
    let refused = refusedWithin(1_000);
    // On a busy machine the time may run out before NATS has answered.
    for (const limit of [5_000, 20_000]) {
      if (refused.stderr.includes('still connecting')) refused = refusedWithin(limit);
    }
    expect(refused.stderr).toContain('cannot connect to NATS: Authorization Violation');
    expect(refused.status).toBe(1);
  }, 120_000);

  it('search the trail by curl', () => {
    const { events } = z
      .object({ events: z.array(z.unknown()).nonempty() })
      .parse(JSON.parse(run(here(block('sh', 'TOKEN=$(cat')))));
    for (const found of events) {
      expect(found).toMatchObject({
        event: { source: 'accounts', data: { principal: { subject: 'storefront', actors: ['payments'] } } },
      });
    }
  });

  it('get a token by library', () => {
    writeFileSync(join(folder, 'token.mts'), here(block('ts', 'createTokenClient')));
    expect(run(`"${process.execPath}" --disable-warning=ExperimentalWarning token.mts`)).toMatch(
      /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/,
    );
  });

  it('guard a Nest service, and verify in plain Node', async () => {
    const issuer = await createTestIssuer({ audience: 'orders', listen: true });
    const snippets = [block('ts', 'OrdersController'), block('ts', 'createVerifier')].map((code) =>
      code.replaceAll('http://127.0.0.1:4000', issuer.issuer),
    );
    const source = join(folder, 'example');
    mkdirSync(source);
    writeFileSync(join(source, 'package.json'), '{"type":"module"}');
    writeFileSync(join(source, 'orders.ts'), snippets[0] ?? '');
    writeFileSync(join(source, 'verify.ts'), snippets[1] ?? '');
    writeFileSync(
      join(source, 'main.ts'),
      `import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { OrdersModule } from './orders.js';
import { callerOf } from './verify.js';
const app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false });
await app.init();
const headers = { authorization: 'Bearer ' + String(process.env['TOKEN']) };
const closed = await app.inject({ url: '/orders/7' });
const open = await app.inject({ url: '/orders/7', headers });
console.log(JSON.stringify([closed.statusCode, open.json(), callerOf(String(process.env['TOKEN'])), callerOf('x')]));
process.exit(0);
`,
    );
    writeFileSync(
      join(source, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.base.json'),
        compilerOptions: {
          outDir: 'out',
          rootDir: '.',
          types: ['node'],
          typeRoots: [join(root, 'node_modules/@types')],
          declaration: false,
          sourceMap: false,
          declarationMap: false,
        },
        include: ['*.ts'],
      }),
    );
    run(`"${process.execPath}" node_modules/typescript7/bin/tsc -p example/tsconfig.json`);
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
    const child = spawn(process.execPath, ['example/out/main.js'], {
      cwd: folder,
      env: { ...process.env, TOKEN: token },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    for await (const chunk of child.stdout) printed += String(chunk);
    expect(JSON.parse(printed)).toEqual([401, { id: '7', readBy: 'ada', via: [] }, 'ada', 'TOKEN_MALFORMED']);
    await issuer.close();
  }, 60_000);

  it('name a compose stack whose services, profile and files are there', () => {
    expect(block('sh', 'docker compose up')).toContain('docker compose run --rm sample');
    const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    for (const name of ['identities', 'postgres', 'nats', 'issuer', 'accounts', 'payments', 'audit', 'sample']) {
      expect(compose).toMatch(new RegExp(`^  ${name}:$`, 'm'));
    }
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
    for (const [, target] of compose.matchAll(/target: (\w+)/g))
      expect(dockerfile).toContain(` AS ${String(target)}\n`);
    if (spawnSync('docker', ['compose', 'version']).status !== 0) return;
    const config = spawnSync('docker', ['compose', 'config', '--quiet'], { cwd: root, encoding: 'utf8' });
    expect([config.status, config.stderr]).toEqual([0, '']);
  });
});
