import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { freePortBase } from './free-ports.js';
import { writeEnvironment } from './services.js';
import { startStack } from './stack.js';
import { openStateDirectory } from './state-directory.js';

describe('the folder of a local stack', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'state-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('may be an empty one that was made for it, and no other that is there already', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    openStateDirectory(own, false).release();
    openStateDirectory(own, false).release();
    writeFileSync(join(folder, 'file'), '');
    for (const other of [folder, join(folder, 'file')])
      expect(() => openStateDirectory(other, false)).toThrow('was not made by a stack');
  });

  it('is not where another tool keeps something, or the next start finds a folder that no stack made', () => {
    const root = join(import.meta.dirname, '../../..');
    const tools = globSync(['tools/*/src/**/*.ts', 'tools/*.mjs', 'tools/adopt/*.mjs'], { cwd: root });
    const naming = tools.filter((file) => /(?:\}|['"`/])\.countersign\b/.test(readFileSync(join(root, file), 'utf8')));
    // These read what the stack has written, skip it or speak of it.
    const readers = ['tools/built.mjs', 'tools/create-countersign/src/main.ts', 'tools/serve.mjs', 'tools/start.mjs'];
    expect(naming.filter((file) => !file.startsWith('tools/stack/src/')).sort()).toEqual(readers);
  });

  it('is taken over from a stack that was killed, also where there is no ps', () => {
    const path = join(folder, 'state');
    openStateDirectory(path, false);
    const { PATH } = process.env;
    process.env['PATH'] = '';
    try {
      for (const pid of ['', '1', String(process.ppid)]) {
        writeFileSync(join(path, 'lock'), pid);
        openStateDirectory(path, false);
        expect(readFileSync(join(path, 'lock'), 'utf8')).toBe(String(process.pid));
      }
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  it('belongs to one of two stacks that start at one moment, where a killed one left its lock', async () => {
    const rounds = Array.from({ length: 200 }, (_, round) => join(folder, String(round)));
    for (const path of rounds) {
      mkdirSync(path);
      writeFileSync(join(path, 'countersign-stack'), '');
      writeFileSync(join(path, 'lock'), '1');
    }
    const urlOf = (file: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, file)).href);
    const script = `
      const { loadTypeScript } = await import(${urlOf('../../specs/typescript.mjs')});
      loadTypeScript();
      const { openStateDirectory } = await import(${urlOf('state-directory.ts')});
      console.log('ready');
      process.stdin.once('data', (start) => {
        const taken = ${JSON.stringify(rounds)}.filter((path, round) => {
          while (Date.now() < Number(start) + round * 2);
          try {
            return openStateDirectory(path, false) !== undefined;
          } catch (error) {
            if (!error.message.includes('already running')) throw error;
            return false;
          }
        });
        console.log(JSON.stringify(taken));
      });`;
    // Known as a stack by its command line, as long as it runs.
    const args = ['--input-type=module', '--eval', script, 'stack/dist/main.js'];
    const starts = [0, 1].map(() => spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    const lines = starts.map(({ stdout }) => createInterface(stdout)[Symbol.asyncIterator]());
    const next = () => Promise.all(lines.map(async (line) => String((await line.next()).value)));
    expect(await next()).toEqual(['ready', 'ready']);
    for (const { stdin } of starts) stdin.write(String(Date.now() + 20));
    const taken = (await next()).flatMap((line) => z.array(z.string()).parse(JSON.parse(line)));
    expect(taken.sort()).toEqual([...rounds].sort());
    for (const { stdin } of starts) stdin.end();
  });

  it('ends what a killed stack left running before it finds a port taken', async () => {
    mkdirSync(join(folder, 'run'));
    const root = '/a/workspace';
    const left = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)', `${root}/apps/issuer/dist/main.js`]);
    const ended = new Promise((done) => left.once('exit', (_code, signal) => done(signal)));
    writeFileSync(join(folder, 'run/issuer.pid'), String(left.pid));
    const stranger = createServer();
    const portBase = await freePortBase();
    await new Promise<void>((done) => stranger.listen(portBase + 1, '127.0.0.1', done));
    const say = (): void => undefined;
    try {
      const started = startStack({ root, directory: folder, portBase, without: [], onStep: say, onLine: say });
      await expect(started).rejects.toThrow(`Port ${String(portBase + 1)} (payments) is taken by another program`);
      expect(await Promise.race([ended, delay(1_000)])).toBe('SIGTERM');
    } finally {
      left.kill('SIGKILL');
      stranger.close();
    }
  });

  it('gives each service its variables, whatever the folder is called', () => {
    const values = { PORT: '4000', KEY_FILE: "/home/ada/c#/it's mine/key.json", PADDED: ' x ', QUOTED: '"a"' };
    writeEnvironment(folder, 'orders', values);
    expect(parseEnv(readFileSync(join(folder, 'env/orders.env'), 'utf8'))).toEqual(values);
  });
});
