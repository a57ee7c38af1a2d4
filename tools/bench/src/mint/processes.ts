import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pinned } from '../pinned.js';
import { loadReportSchema, type LoadOrder, type LoadReport } from './load.js';

/** A program of ours as a process on one core. */
export function startPinned(program: string, core: number, env: Readonly<Record<string, string>>): ChildProcess {
  const [command, ...args] = pinned([process.execPath, program], { core });
  return spawn(command, args, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Waits until an address answers 200. */
export async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${String(child.exitCode)}`);
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await delay(50);
  }
  throw new Error(`${url} did not get ready`);
}

/** Has the load child run one order. */
export async function runLoad(load: ChildProcess, order: LoadOrder): Promise<LoadReport> {
  load.send(order);
  const [answer]: unknown[] = await once(load, 'message');
  const report = loadReportSchema.parse(answer);
  if (report.failed !== '') throw new Error(`a request got no token:\n${report.failed.slice(0, 1_000)}`);
  return report;
}

export const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Seconds of CPU that a process has used, all its threads (Linux); NaN elsewhere. */
export function cpuSeconds({ pid }: ChildProcess): number {
  if (process.platform !== 'linux' || pid === undefined) return Number.NaN;
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
