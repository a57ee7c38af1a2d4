import { type OwnBackingServices } from '@countersign/backing-services';
import { movePinned } from '../pinned.js';
import { cpuSeconds, endedCpuSeconds, withChildren } from '../processes.js';

/** By number: that of the server, or that of the load. */
export const cores = { server: 0, load: 1 } as const;
export type Core = keyof typeof cores;

/** PostgreSQL and NATS as processes: which core they are on, and what they use of it. */
export interface Backing {
  moveTo(core: Core): void;
  /** Seconds of CPU so far. */
  cpuSeconds(): number;
}

export function backingOf({ postgres, nats }: Pick<OwnBackingServices, 'postgres' | 'nats'>): Backing {
  const all = (): readonly number[] => [...withChildren(postgres.pid), nats.pid];
  return {
    moveTo(core) {
      movePinned(all(), { core: cores[core] });
    },
    cpuSeconds: () => all().reduce((total, pid) => total + cpuSeconds({ pid }), endedCpuSeconds(postgres.pid)),
  };
}
