import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pinned } from './pinned.js';

/** A program of ours as a process on one core. */
export function startPinned(program: string, core: number, env: Readonly<Record<string, string>>): ChildProcess {
  const [command, ...args] = pinned([process.execPath, program], { core });
  return spawn(command, args, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

const READY_LIMIT_MS = 60_000;

/**
 * Waits until an address answers 200.
 * @param everyMs milliseconds between two questions
 * @throws when the child ends, or is not ready within a minute
 */
export async function untilReady(url: string, child: ChildProcess, everyMs = 50): Promise<void> {
  for (const deadline = Date.now() + READY_LIMIT_MS; Date.now() < deadline; await delay(everyMs)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${String(child.exitCode)}`);
    const ready = await fetch(url).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    if (ready) return;
  }
  throw new Error(`${url} was not ready within a minute`);
}

/** The path of a file, by its place beside this one once it is built. */
export const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Seconds of CPU that a process has used, all its threads (Linux), nothing where it has just ended; NaN elsewhere. */
export function cpuSeconds({ pid }: { readonly pid?: number | undefined }): number {
  if (process.platform !== 'linux' || pid === undefined) return Number.NaN;
  const tasks = `/proc/${String(pid)}/task`;
  return sum(threadsIn(tasks).map((task) => Number(readOf(`${tasks}/${task}/schedstat`).split(' ')[0]) / 1e9));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** PostgreSQL's workers come and go: one may end between the two looks. */
function threadsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Nothing of a process, or a thread, that has just ended. */
function readOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const parentOf = (pid: string): number => Number(/\) \S (\d+)/.exec(readOf(`/proc/${pid}/stat`))?.[1]);

/** Seconds of CPU of those that a process started and that have ended since (Linux), to a hundredth; NaN elsewhere. */
export function endedCpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const stat = readOf(`/proc/${String(pid)}/stat`);
  // Fields 16 and 17, in ticks; what comes before the third is a name that may hold spaces.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return (Number(user ?? 0) + Number(system ?? 0)) / 100;
}

/** A process and those that it started itself (Linux), as they are now; itself alone elsewhere. */
export function withChildren(pid: number): readonly number[] {
  if (process.platform !== 'linux') return [pid];
  const running = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return [pid, ...running.filter((one) => parentOf(one) === pid).map(Number)];
}
