import { type Principal } from '@countersign/auth-core';
import { type Visibility } from './event-filter.js';

/** Sees every event. */
export const READ_ALL = 'audit:read';
/** Sees what its own subject or client did, and nothing else. */
export const READ_OWN = 'audit:read:own';

/** What of the trail a caller may see. */
export function visibilityOf({ scopes, subject, clientId }: Principal): Visibility {
  return scopes.has(READ_ALL) ? 'all' : { subject, client: clientId };
}
