import { freePortsInARow } from '@countersign/backing-services';
import { serviceNames } from './services.js';

/** As many ports in a row as there are services, free right now. @throws when there are none */
export function freePortBase(): Promise<number> {
  return freePortsInARow(serviceNames.length);
}
