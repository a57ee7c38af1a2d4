import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { freePort, freePortsInARow, portIsFree } from './port.js';

const typescript = `data:text/javascript,import { loadTypeScript } from '${pathToFileURL(join(import.meta.dirname, '../../specs/typescript.mjs')).href}'; loadTypeScript();`;

/** Ports that another process is given. */
async function elsewhere(count: number): Promise<readonly number[]> {
  const script = `
    import { freePort } from './src/port.ts';
    const ports = await Promise.all(Array.from({ length: ${String(count)} }, () => freePort()));
    process.stdout.write(JSON.stringify(ports));`;
  const child = spawn(process.execPath, ['--import', typescript, '--input-type=module', '--eval', script], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return z.array(z.number()).parse(JSON.parse(await text(child.stdout)));
}

const COUNT = 500;

// A reservation needs sockets with names, which only Linux has.
(process.platform === 'linux' ? describe : describe.skip)('a free port', () => {
  it('is given to one asker only, here or in another process, though nobody listens on it yet', async () => {
    const own = await Promise.all(Array.from({ length: COUNT }, () => freePort()));
    const others = await elsewhere(COUNT);
    expect(new Set([...own, ...others]).size).toBe(2 * COUNT);
  }, 60_000);

  it('can be listened on, and is free again for its owner afterwards', async () => {
    const first = await freePortsInARow(3);
    expect(await Promise.all([first, first + 1, first + 2].map(portIsFree))).toEqual([true, true, true]);
  });
});
