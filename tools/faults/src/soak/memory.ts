import { execFileSync } from 'node:child_process';

const mebi = 1024 ** 2;

const OLD_SPACE = /^nodejs_heap_space_size_used_bytes\{[^}]*space="old"[^}]*\} ([\d.e+]+)$/m;

/** Mebibytes of the old generation: what a leak would fill, while a process's memory also follows garbage that is not collected yet. */
export async function oldGenerationOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(OLD_SPACE.exec(text)?.[1]) / mebi;
}

/** Mebibytes that a process has in memory. */
export function memoryOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}
