import { saltsSchema } from '@countersign/audit-client';
import { auditEventSchema, isStorableJson } from '@countersign/audit-event';
import { leafOf, LeafError } from '@countersign/merkle-log';
import { z } from 'zod';
import { maskAgain } from '../masking/masking.js';
import { type RecoveredEvent } from './recovered-log.js';

const membersSchema = z.array(auditEventSchema).max(1_024);

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The service that a subject belongs to: NATS lets each service publish only under its own name. */
export function publisherOf(natsSubject: string): string {
  return natsSubject.split('.')[1] ?? '';
}

/** Whether the log can store it. It cannot if it is nested deeper than JavaScript can write. */
function isLeaf({ event, salts }: RecoveredEvent): boolean {
  try {
    leafOf(maskAgain(event, salts).event);
    return true;
  } catch (error) {
    if (error instanceof LeafError || error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * Recovered events, each with its log index.
 * @param firstIndex the log index of the first; the others follow it
 * @param salts JSON, by sequence and path
 * @param publisher the service that these events must belong to
 * @returns undefined if it is not such a message, or if the log or the database cannot store it
 */
export function recoveredEvents(
  events: unknown,
  firstIndex: string | undefined,
  salts: string | undefined,
  publisher: string,
): readonly RecoveredEvent[] | undefined {
  const members = membersSchema.safeParse(events).data;
  const known = saltsSchema.safeParse(json(salts ?? '{}')).data;
  if (members === undefined || known === undefined || !/^[0-9]{1,18}$/.test(firstIndex ?? '')) return undefined;
  if (members.some(({ source }) => source !== publisher)) return undefined;
  const first = BigInt(firstIndex ?? 0);
  const recovered = members.map((event, at) => {
    return { index: first + BigInt(at), event, salts: known[event.sequence] ?? {} };
  });
  // One that fails, here or in the database, would be redelivered forever, and hold up the others. A valid leaf can be written.
  return recovered.every(isLeaf) && isStorableJson(JSON.stringify([members, known])) ? recovered : undefined;
}
