import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * The command line of a process, its arguments separated by spaces; empty where there is no such process. On Linux from the kernel: small images
 * have no `ps`, or one that knows no options.
 */
export function commandOf(pid: number): string {
  if (process.platform !== 'linux') {
    const { error, stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return error === undefined ? stdout : '';
  }
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
