import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** The workspace as its files are now, in a separate folder, so that nothing that runs beside this test sees the new service. */
function copyOfWorkspace(): string {
  // Beside the workspace where that is possible: hard links do not cross file systems, and node_modules is large.
  const copy = mkdtempSync(join(process.env['COUNTERSIGN_COPY_DIRECTORY'] ?? tmpdir(), 'countersign-generated-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0'))
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(copy, file), { recursive: true });
  for (const dist of globSync(['libs/*/dist', 'tools/backing-services/dist'], { cwd: root }))
    cpSync(join(root, dist), join(copy, dist), { recursive: true });
  const linked = spawnSync('cp', ['-al', join(root, 'node_modules'), join(copy, 'node_modules')]);
  if (linked.status !== 0) {
    rmSync(join(copy, 'node_modules'), { recursive: true, force: true });
    execFileSync('cp', ['-a', join(root, 'node_modules'), join(copy, 'node_modules')]);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: copy });
  return copy;
}

describe('npx nx g ./tools/generators:service card-orders', () => {
  let copy: string;
  let printed: string;

  const run = (command: string, args: readonly string[], cwd = copy): string => {
    // Plugins in nx's own process: those of their own cost each of its runs a second.
    const nx = { NX_DAEMON: 'false', NX_TUI: 'false', NX_ISOLATE_PLUGINS: 'false' };
    const env = { ...process.env, ...nx, FORCE_COLOR: '0', NODE_OPTIONS: '' };
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd,
      encoding: 'utf8',
      env: { ...env, PATH: `${join(copy, 'node_modules/.bin')}:${process.env['PATH'] ?? dirname(process.execPath)}` },
    });
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}:\n${stdout}\n${stderr}`);
    return stdout;
  };
  /** As the workspace's own targets compile. */
  const tsc = (project: string, ...more: readonly string[]): string =>
    run(process.execPath, [join(copy, 'node_modules/typescript7/bin/tsc'), '--singleThreaded', '-p', project, ...more]);
  const jest = (directory: string, ...specs: readonly string[]): string =>
    run(
      process.execPath,
      [
        join(copy, 'node_modules/jest/bin/jest.js'),
        ...['--config', '../../jest.config.mjs', '--rootDir', '.', '--json', ...specs],
      ],
      join(copy, directory),
    );

  beforeAll(() => {
    copy = copyOfWorkspace();
    printed = run('nx', ['g', './tools/generators:service', 'card-orders']);
  }, 600_000);
  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  }, 120_000);

  it('makes a service that compiles, is formatted, and builds', () => {
    expect(printed).toContain('CREATE apps/card-orders/src/main.ts');
    run('prettier', ['--check', 'apps/card-orders', 'docker-compose.yml', 'tools/backing-services/src']);
    tsc('apps/card-orders/tsconfig.check.json', '--noEmit');
    run(process.execPath, ['../../tools/build-service.mjs'], join(copy, 'apps/card-orders'));
    expect(existsSync(join(copy, 'apps/card-orders/dist/main.js'))).toBe(true);
  }, 600_000);

  it('whose own tests pass at once, on real PostgreSQL and NATS', () => {
    const result: unknown = JSON.parse(jest('apps/card-orders'));
    expect(result).toMatchObject({ success: true, numFailedTests: 0, numPassedTests: 9 });
  }, 600_000);

  it('is in the stack, in compose and in the images, as their own test finds', () => {
    tsc('tools/stack/tsconfig.check.json', '--noEmit');
    const result: unknown = JSON.parse(
      jest('tools/stack', 'src/compose.integration.spec.ts', 'src/identities.spec.ts'),
    );
    expect(result).toMatchObject({ success: true });
    const compose = readFileSync(join(copy, 'docker-compose.yml'), 'utf8');
    const [, own = ''] = /\n {2}card-orders:\n {4}<<: \*service\n([\s\S]*?)\n\n/.exec(compose) ?? [];
    expect(own).toContain('CLIENT_ID: card-orders');
    expect(own).toContain('CLIENT_KEY_FILE: /run/secrets/card-orders/client-key.json');
    expect(readFileSync(join(copy, 'deploy/postgres/init.sh'), 'utf8')).toMatch(/^for service in .* card-orders; do$/m);
    expect(readFileSync(join(copy, 'package-lock.json'), 'utf8')).toContain('"apps/card-orders"');
  }, 600_000);

  it('is nowhere twice when it is recreated', () => {
    const files = [
      'docker-compose.yml',
      'Dockerfile',
      'deploy/postgres/init.sh',
      'apps/card-orders/package.json',
    ].concat('tools/backing-services/src/nats-configuration.ts', 'tools/stack/src/identities.ts');
    const contents = (): readonly string[] => files.map((file) => readFileSync(join(copy, file), 'utf8'));
    const before = contents();
    rmSync(join(copy, 'apps/card-orders'), { recursive: true });
    run('nx', ['g', './tools/generators:service', 'card-orders']);
    expect(contents()).toEqual(before);
  }, 600_000);

  it('is refused a name that is taken or cannot be one', () => {
    expect(() => run('nx', ['g', './tools/generators:service', 'card-orders'])).toThrow('is already there');
    // Without nx, which takes a second for each.
    const names = ['Orders', 'postgres', 'build', 'my--orders'];
    const program = `import service from './tools/generators/src/service.mjs';
      for (const name of ${JSON.stringify(names)})
        await service({}, { name }).catch(({ message }) => console.log(message));`;
    const refusals = run(process.execPath, ['--input-type=module', '-e', program]).trim().split('\n');
    expect(refusals).toEqual(names.map((name) => expect.stringContaining(`${name} cannot be a service's name`)));
  }, 600_000);
});
