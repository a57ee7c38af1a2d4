import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, startBackingServices, type BackingServices } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { z } from 'zod';
import { packedPackages } from './packed.js';
import { provideModules } from './workspace-modules.js';

const root = resolve(import.meta.dirname, '../../..');

describe('npm create countersign@latest my-orders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'create-countersign-'));
  const service = join(folder, 'my-orders');
  let printed: string;

  const run = (command: string, args: readonly string[], cwd: string): string => {
    const env = { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '0', npm_config_loglevel: 'error' };
    const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}:\n${stdout}\n${stderr}`);
    return `${stdout}${stderr}`;
  };

  beforeAll(() => {
    // What a service outside the workspace takes from the registry.
    const { folder: packed, packages } = packedPackages(root);
    // As npm does it: the packed package, installed apart, its command run.
    const tool = join(folder, 'tool');
    mkdirSync(tool);
    const tarballs = ['create-countersign-0.1.0.tgz', 'countersign-auth-core-0.1.0.tgz'].map((file) =>
      join(packed, file),
    );
    run('npm', ['install', '--prefix', tool, '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], folder);
    printed = run(join(tool, 'node_modules/.bin/create-countersign'), ['my-orders', '--packages', packed], folder);
    provideModules(root, service, packages);
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], service);
  }, 600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('makes it with a key that only its owner reads, and says what to do next', () => {
    expect(statSync(join(service, 'secrets/client-key.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(service, '.gitignore'), 'utf8')).toContain('secrets/');
    const client = readFileSync(join(service, 'deploy/client.json'), 'utf8');
    expect(JSON.parse(client)).toMatchObject({ client_id: 'my-orders', jwks: { keys: [{ kty: 'EC' }] } });
    expect(client).not.toContain('"d"');
    expect(printed).toContain('npx countersign nats rights my-orders');
  });

  it('its types hold, it builds, and its own tests pass at once, on real PostgreSQL and NATS', () => {
    run('npm', ['run', 'typecheck'], service);
    run('npm', ['run', 'build'], service);
    expect(existsSync(join(service, 'dist/main.js'))).toBe(true);
    expect(run('npm', ['test'], service)).toMatch(/Tests: +9 passed, 9 total/);
  }, 600_000);

  describe('started', () => {
    let backing: BackingServices;
    let issuer: TestIssuer;
    let child: ChildProcess;
    let url: string;
    let said = '';
    beforeAll(async () => {
      [backing, issuer] = await Promise.all([
        startBackingServices({ services: ['my-orders'] }),
        createTestIssuer({ audience: 'my-orders', listen: true }),
      ]);
      const port = await freePort();
      url = `http://127.0.0.1:${String(port)}`;
      child = spawn(process.execPath, ['dist/main.js'], {
        cwd: service,
        env: {
          PATH: process.env['PATH'],
          NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
          PORT: String(port),
          HOST: '127.0.0.1',
          ISSUER_URL: issuer.issuer,
          DATABASE_URL: await backing.database('my-orders'),
          REVOCATION_AT_START: 'accept',
          NATS_URL: backing.nats.url,
          NATS_USER: 'my-orders',
          NATS_PASSWORD: backing.passwords['my-orders'],
          CLIENT_KEY_FILE: 'secrets/client-key.json',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await new Promise<void>((done, failed) => {
        for (const stream of [child.stdout, child.stderr])
          stream?.setEncoding('utf8').on('data', (chunk: string) => {
            said += chunk;
            if (said.includes('"ready"')) done();
          });
        child.once('exit', (code) => {
          failed(new Error(`it ended with ${String(code)}:\n${said}`));
        });
      });
    }, 180_000);
    afterAll(async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((done) => child.once('exit', done));
        child.kill('SIGTERM');
        await ended;
      }
      await issuer.close();
      await backing.stop();
    }, 60_000);

    it('answers 200 with a right token, 401 without one, and 403 without the scope', async () => {
      const bearer = async (...scopes: readonly string[]) => ({
        authorization: `Bearer ${await issuer.mint({ subject: 'ada', scopes })}`,
      });
      const made = await fetch(`${url}/my-orders`, {
        method: 'POST',
        headers: { ...(await bearer('my-orders:write')), 'content-type': 'application/json' },
        body: JSON.stringify({ reference: 'first' }),
      });
      const { id } = z.object({ id: z.string() }).parse(await made.json());
      const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
        (await fetch(`${url}/my-orders/${id}`, { headers })).status;
      expect(await Promise.all([bearer('my-orders:read').then(status), status({}), bearer().then(status)])).toEqual([
        200, 401, 403,
      ]);
    });
  });

  it('leaves nothing where it could not write all of it, and names a folder with a space as a shell takes it', () => {
    const place = join(folder, 'a place');
    mkdirSync(place);
    const fullDisk = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { writeFileSync } = fs;
      let left = 3;
      fs.writeFileSync = (...given) => {
        if (left-- === 0) throw new Error('ENOSPC: no space left on device');
        writeFileSync(...given);
      };
      syncBuiltinESMExports();`;
    const create = (...options: readonly string[]) =>
      spawnSync(
        process.execPath,
        [...options, join(root, 'tools/create-countersign/dist/main.js'), 'half', '--directory', 'a place'],
        { cwd: folder, encoding: 'utf8' },
      );
    const failed = create('--import', `data:text/javascript,${encodeURIComponent(fullDisk)}`);
    expect([failed.status, failed.stderr, readdirSync(place)]).toEqual([2, expect.stringContaining('ENOSPC'), []]);
    expect(create().stdout).toContain("cd 'a place/half' && npm install");
  });

  it.each(['My-Orders', 'my--orders', '-orders', 'issuer', 'x'.repeat(32)])('refuses the name %s', (name) => {
    const made = spawnSync(process.execPath, [join(root, 'tools/create-countersign/dist/main.js'), '--', name], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([made.status, made.stderr]).toEqual([2, expect.stringMatching(/^error: .*(must be|is the name)/)]);
  });
});
