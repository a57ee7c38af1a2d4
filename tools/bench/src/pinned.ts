import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface PinnedOptions {
  /** 0 for the server, 1 for the load: on different cores where the machine has them. */
  readonly core: number;
  /**
   * `first`: its main thread runs before every other program, where the system can do that ({@link canGoFirst}). For a measurement of single
   * milliseconds, and for one program of a core. Start Node with {@link OWN_GC}.
   * `last`: it runs only while nothing else wants its core. With `nice` it would still keep the core for a time slice of milliseconds when another
   * program wakes up.
   */
  readonly precedence?: 'first' | 'last' | undefined;
}

/**
 * Memory is cleaned by the main thread. One that runs first would otherwise wait, or spin, for threads that do not run as long as anything else wants
 * the core.
 */
export const OWN_GC = '--single-threaded-gc';
/** In real time; the threads that it starts are not. */
const FIRST = ['chrt', '--reset-on-fork', '--rr', '1'] as const;
const LAST = ['chrt', '--idle', '0'] as const;

const isLinux = process.platform === 'linux';
const succeeds = ([command, ...args]: readonly [string, ...string[]]): boolean =>
  isLinux && spawnSync(command, args).status === 0;

const hasTaskset = succeeds(['taskset', '--version']);
/** Root may, others rarely. */
export const canGoFirst = succeeds([...FIRST, 'true']);
const canGoLast = succeeds([...LAST, 'true']);

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
