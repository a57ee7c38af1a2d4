import { clientWide, reachOf, type Principal } from '@countersign/auth-core';
import { type Visibility } from './event-filter.js';

/** Sees every event. */
export const READ_ALL = 'audit:read';
/** Sees only what its own subject did. */
const READ_OWN = 'audit:read:own';
/** Sees only what any subject of its client did through it. */
const READ_CLIENT = clientWide(READ_ALL);
/** A reader of events has one of these; {@link visibilityOf} says how far it sees. */
export const READING = [READ_ALL, READ_OWN, READ_CLIENT] as const;

/** Which part of the trail a caller may see. */
export function visibilityOf(caller: Principal): Visibility {
  return caller.scopes.has(READ_ALL) ? 'all' : reachOf(caller, READ_ALL);
}

/** The scope that lets the caller read. */
export function readingScopeOf({ scopes }: Principal): (typeof READING)[number] {
  return READING.find((scope) => scopes.has(scope)) ?? READ_OWN;
}
