import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface PinnedOptions {
  /** 0 for the server, 1 for the load: on different cores where the machine has them. */
  readonly core: number;
  /**
   * `first`: it goes before other programs, for a measurement of single milliseconds. By niceness, not in real time: the threads that clean memory
   * would then have to wait for the one that waits for them.
   * `last`: it runs only while nothing else wants its core. With `nice` it would still keep the core for a time slice of milliseconds when another
   * program wakes up.
   */
  readonly precedence?: 'first' | 'last' | undefined;
}

const FIRST = ['nice', '-n', '-20'] as const;
const LAST = ['chrt', '--idle', '0'] as const;

const isLinux = process.platform === 'linux';
const hasTaskset = isLinux && spawnSync('taskset', ['--version']).status === 0;
/** Root's alone; others get a warning, and the niceness that they have. */
const canGoFirst = isLinux && String(spawnSync(FIRST[0], [...FIRST.slice(1), 'nice']).stdout).trim() === '-20';
const canGoLast = isLinux && spawnSync(LAST[0], [...LAST.slice(1), 'true']).status === 0;

/**
 * The command that runs another on one core, where the system can do that; else the command itself.
 * @returns program and arguments, for `spawn`
 */
export function pinned(
  command: readonly [string, ...string[]],
  { core, precedence }: PinnedOptions,
): readonly [string, ...string[]] {
  const cores = availableParallelism();
  const ordered = inOrder(command, precedence);
  return hasTaskset && cores > 1 ? ['taskset', '-c', String(core % cores), ...ordered] : ordered;
}

function inOrder(
  command: readonly [string, ...string[]],
  precedence: PinnedOptions['precedence'],
): readonly [string, ...string[]] {
  if (precedence === 'first' && canGoFirst) return [...FIRST, ...command];
  return precedence === 'last' && canGoLast ? [...LAST, ...command] : command;
}

/** Moves processes that run, all their threads, to one core, where the system can do that. What they start later starts there. */
export function movePinned(pids: readonly number[], { core }: PinnedOptions): void {
  const cores = availableParallelism();
  if (!hasTaskset || cores === 1) return;
  for (const pid of pids) spawnSync('taskset', ['-a', '-c', '-p', String(core % cores), String(pid)]);
}
