import { spawnSync } from 'node:child_process';
import { cpuSeconds, endedCpuSeconds } from './processes.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('the CPU time of a process', () => {
  onLinux('is what its threads used, and nothing once it has ended: one of PostgreSQL may end at any moment', () => {
    expect(cpuSeconds({ pid: process.pid })).toBeGreaterThan(0);
    // Linux has no process of this number: it is beyond the greatest.
    expect(cpuSeconds({ pid: 4_194_305 })).toBe(0);
  });

  onLinux('of those that it started and that have ended is not lost', () => {
    const before = endedCpuSeconds(process.pid);
    const busy = 'const until = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < until);';
    spawnSync(process.execPath, ['-e', busy]);
    expect(endedCpuSeconds(process.pid) - before).toBeGreaterThan(0.15);
  });
});
