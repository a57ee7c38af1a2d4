import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface PinnedOptions {
  /** 0 for the server, 1 for the load: on different cores where the machine has them. */
  readonly core: number;
  /**
   * Whether it runs only while nothing else wants its core, where the system can do that. With `nice` it would still keep the core for a time slice of
   * milliseconds when another program wakes up.
   */
  readonly givesWay?: boolean | undefined;
}

const hasTaskset = process.platform === 'linux' && spawnSync('taskset', ['--version']).status === 0;
const hasIdle = process.platform === 'linux' && spawnSync('chrt', ['--idle', '0', 'true']).status === 0;

/**
 * The command that runs another on one core, where the system can do that; else the command itself.
 * @returns program and arguments, for `spawn`
 */
export function pinned(
  command: readonly [string, ...string[]],
  { core, givesWay = false }: PinnedOptions,
): readonly [string, ...string[]] {
  const cores = availableParallelism();
  const polite = givesWay && hasIdle ? (['chrt', '--idle', '0', ...command] as const) : command;
  return hasTaskset && cores > 1 ? ['taskset', '-c', String(core % cores), ...polite] : polite;
}

/** Moves processes that run, all their threads, to one core, where the system can do that. What they start later starts there. */
export function movePinned(pids: readonly number[], { core }: PinnedOptions): void {
  const cores = availableParallelism();
  if (!hasTaskset || cores === 1) return;
  for (const pid of pids) spawnSync('taskset', ['-a', '-c', '-p', String(core % cores), String(pid)]);
}
