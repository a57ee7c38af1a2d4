import { cpuSeconds } from './processes.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('the CPU time of a process', () => {
  onLinux('is what its threads used, and nothing once it has ended: one of PostgreSQL may end at any moment', () => {
    expect(cpuSeconds({ pid: process.pid })).toBeGreaterThan(0);
    // Linux has no process of this number: it is beyond the greatest.
    expect(cpuSeconds({ pid: 4_194_305 })).toBe(0);
  });
});
