import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithUs, type EndsWithUs } from './ends-with-us.js';
import { commandOf } from './process-command.js';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** This process's by default. If this process uses Node's compile cache, the child does too. */
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** The file with the process id, so that a later start finds what a killed one left behind. */
  readonly pidFile?: string;
  readonly onLine?: (line: string) => void;
  /** It does not keep this process alive, and ends with it. By default we wait for it, and kill it if we end first. */
  readonly endsWithUs?: EndsWithUs | undefined;
}

/** A process that was started here, in a separate process group: a Ctrl-C in the terminal reaches it only through us. */
export interface Child {
  readonly pid: number;
  /** Resolves with what ended it. */
  readonly exited: Promise<string>;
  readonly running: () => boolean;
  readonly lastLines: () => string;
  /** Asks it to end, and kills it after the limit. */
  stop(signal: NodeJS.Signals, limitMs: number): Promise<void>;
}

const killedAtExit = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of killedAtExit) child.kill('SIGKILL');
});

function lines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') take(part);
  });
}

/** Passed even to a process that gets nothing else of our environment: it only makes startup faster. */
function compileCache(): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}

/** Starts a process. @throws when the program cannot be started at all */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env === undefined ? process.env : { ...compileCache(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject);
  });
  let running = true;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.command} has no process id`);
  if (options.endsWithUs === undefined) killedAtExit.add(child);
  else {
    child.once('close', endWithUs(pid, options.endsWithUs)).unref();
    for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  }
  if (options.pidFile !== undefined) writeFileSync(options.pidFile, String(pid), { mode: 0o600 });
  const recent: string[] = [];
  const take = (line: string): void => {
    recent.push(line);
    if (recent.length > 20) recent.shift();
    options.onLine?.(line);
  };
  lines(child.stdout, take);
  lines(child.stderr, take);
  const exited = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => {
      running = false;
      killedAtExit.delete(child);
      if (options.pidFile !== undefined) rmSync(options.pidFile, { force: true });
      resolve(signal ?? `exit code ${String(code)}`);
    });
  });
  return {
    pid,
    exited,
    running: () => running,
    lastLines: () => recent.join('\n'),
    async stop(signal, limitMs) {
      if (!running) return;
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), limitMs);
      await exited;
      clearTimeout(late);
    },
  };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Ends a process that an earlier, killed start left behind; only one whose command line has the marker, so never an unrelated one that
 * has since got the same id.
 */
export async function stopLeftBehind(pidFile: string, marker: string, signal: NodeJS.Signals): Promise<void> {
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  } catch {
    return;
  }
  const runs = (): boolean => commandOf(pid).includes(marker);
  // PostgreSQL itself sees by its file whether parts of a killed server still run.
  if (pid > 1 && !isThere(pid)) return;
  if (!Number.isInteger(pid) || pid <= 1 || !runs()) {
    rmSync(pidFile, { force: true });
    return;
  }
  process.kill(pid, signal);
  for (let waited = 0; runs(); waited += 100) {
    if (waited === 10_000) process.kill(pid, 'SIGKILL');
    await delay(100);
  }
  rmSync(pidFile, { force: true });
}
