import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding } from './finding.js';

/** Leftovers of an earlier version in the folder of `npm start`. @param directory `.countersign` */
export function localLeftovers(directory: string): readonly Finding[] {
  const oldStore = join(directory, 'nats/store/jetstream/$G');
  if (!existsSync(oldStore)) return [];
  return [
    {
      code: 'OLD_NATS_STORE',
      where: oldStore,
      what: 'streams of the former single NATS account; nothing reads them',
      to_do: `Once the audit trail has no gaps, stop the stack and delete '${oldStore}'.`,
    },
  ];
}
