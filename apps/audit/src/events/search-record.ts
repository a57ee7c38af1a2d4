import { EVERY, type NewAuditEvent } from '@countersign/audit-event';
import { by, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { readingScopeOf } from './visibility.js';

/** The event for any search in the trail. @param search the query @param shown the number of results */
export function searchRecord(caller: Caller, search: object, shown: number): NewAuditEvent {
  const action = readingScopeOf(caller.principal);
  return events.event('events.searched', by(caller), { id: EVERY, action, changes: { search, shown } });
}
