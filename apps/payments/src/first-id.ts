import { uuidv7 } from '@countersign/audit-event';

/** The smallest id that a payment, or a notice, of this moment can have: ids are UUIDv7, so a time is a place among them. */
export function firstIdAt(time: Date): string {
  return uuidv7(Math.max(0, time.getTime()), '0'.repeat(19));
}
