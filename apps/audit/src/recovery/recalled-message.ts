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

/** Whether the log can take it. What is nested deeper than JavaScript can write, it cannot. */
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
 * Events that came back, each with its place.
 * @param firstIndex the log index of the first; the others follow it
 * @param salts JSON, by sequence and path
 * @param publisher whose events these may be
 * @returns undefined for what is not such a message, or what neither the log nor the database can hold
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
  // One that fails, here or in the database, would come again for ever, and hold up the others. What is a leaf can be written.
  return recovered.every(isLeaf) && isStorableJson(JSON.stringify([members, known])) ? recovered : undefined;
}
