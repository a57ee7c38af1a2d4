import { freePortsInARow } from '@countersign/backing-services';

/** The demo's ports are ten and eleven above the first service's. */
const WITH_DEMO = 12;

/** Ports in a row for the services and the demo beside them, free right now. @throws when there are none */
export function freePortBase(): Promise<number> {
  return freePortsInARow(WITH_DEMO);
}
