import { spawn, spawnSync } from 'node:child_process';
import { cpSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePortsInARow, removePostgresData, testFolder } from '@countersign/backing-services';
import { z } from 'zod';
import { createProgram } from './arguments.js';

const root = resolve(import.meta.dirname, '../../..');
const environment = { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '0' };

describe('npm start', () => {
  const folder = testFolder();
  const state = join(folder, 'state');
  afterAll(() => {
    removePostgresData(join(state, 'postgres'));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Processes that have to do with this stack. */
  const processes = (): readonly string[] =>
    spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line.includes(state) || line.includes(folder));

  it('shows its help where nothing is built, and builds nothing for it', () => {
    const scripts = ['start', 'build', 'built', 'one-at-a-time', 'pinned-node'].map((name) => `tools/${name}.mjs`);
    for (const file of [...scripts, 'tools/stack/src/arguments.ts'])
      cpSync(join(root, file), join(folder, file), { recursive: true });
    const list = 'tools/backing-services/src/nats-configuration.ts';
    cpSync(join(root, list), join(folder, list), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const { status, stdout, stderr } = spawnSync('node', ['tools/start.mjs', '--help'], {
      cwd: folder,
      encoding: 'utf8',
      env: environment,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Usage: npm start[\s\S]*--without <services\.\.\.>[\s\S]*"payments"/);
  }, 60_000);

  it.each([['--exit'], ['--json']])(
    'refuses %s without all services: there is no payment, so it said nothing and ended with 0',
    (option) => {
      const program = createProgram(['payments'], '/nowhere')
        .exitOverride()
        .configureOutput({ writeErr: () => undefined });
      expect(() => program.parse(['node', 'start', option, '--without', 'payments'])).toThrow(
        `option '${option}' cannot be used with option '--without <services...>'`,
      );
    },
  );

  it('takes the Node that runs it where npm has none for the platform, if that is new enough', () => {
    const script = `import { isNewEnough, pinnedNode } from './tools/pinned-node.mjs';
      const versions = ['18.20.0', '24.8.1', '24.9.0', '26.10.0'];
      console.log(JSON.stringify([versions.filter(isNewEnough), pinnedNode('/nowhere/'), process.execPath]));`;
    const { stdout } = spawnSync('node', ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
    const [versions, node, own] = z.tuple([z.array(z.string()), z.string(), z.string()]).parse(JSON.parse(stdout));
    expect([versions, node]).toEqual([['24.9.0', '26.10.0'], own]);
  });

  it.each([
    ['while it still starts', 'PostgreSQL on port'],
    ['once it runs', 'Ctrl-C stops'],
  ])(
    'leaves nothing behind when the process that it runs as gets SIGTERM %s',
    async (_, sign) => {
      const base = String(await freePortsInARow(12));
      // One service and the demo are processes of every kind that there are.
      const fewer = ['--without', 'payments', 'accounts', 'audit'];
      const npm = spawn('npm', ['start', '--', '--directory', state, '--port-base', base, ...fewer], {
        cwd: root,
        env: environment,
        detached: true,
      });
      let said = '';
      for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise((done) => npm.once('exit', done));
      for (let waited = 0; waited < 500_000 && !said.includes(sign); waited += 100) {
        if (npm.exitCode !== null) break;
        await delay(100);
      }
      expect(said).toContain(sign);
      expect(processes().length).toBeGreaterThan(0);
      npm.kill('SIGTERM');
      await ended;
      for (let waited = 0; waited < 60_000 && processes().length > 0; waited += 200) await delay(200);
      expect(processes()).toEqual([]);
    },
    600_000,
  );
});
