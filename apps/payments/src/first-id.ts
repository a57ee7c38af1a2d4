import { uuidv7 } from '@countersign/audit-event';

/** The smallest possible id of a payment or notice created now: ids are UUIDv7s, so a time is a position among them. */
export function firstIdAt(time: Date): string {
  return uuidv7(Math.max(0, time.getTime()), '0'.repeat(19));
}
