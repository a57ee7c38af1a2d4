import { Inject, Injectable } from '@nestjs/common';
import { principalOf, type AuditOutbox } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import { AUDIT_OUTBOX, Problem, auditRequest, type RequestTrace } from '@countersign/service-host';
import { foundOf, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { EventsStore } from './events.store.js';

/** Searches the trail; each look is itself in the trail before it is answered. */
@Injectable()
export class EventsService {
  constructor(
    @Inject(EventsStore) private readonly events: EventsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async search(search: EventSearch, caller: Principal, trace: RequestTrace): Promise<EventPage> {
    const { limit, cursor, ...filter } = search;
    const after = cursor === undefined ? undefined : BigInt(cursor);
    const { rows, next } = await this.events.find(
      { filter, visibility: 'all' },
      { direction: 'newest-first', after, limit },
    );
    await this.#recordLook('events.searched', 'events', { search, shown: rows.length }, caller, trace);
    return { events: rows.map(foundOf), next_cursor: next?.toString() ?? null };
  }

  async read(id: string, caller: Principal, trace: RequestTrace): Promise<FoundEvent> {
    const row = await this.events.read(id);
    await this.#recordLook('event.read', `event/${id}`, { shown: row === undefined ? 0 : 1 }, caller, trace);
    if (row === undefined) throw new Problem(404, 'EVENT_UNKNOWN', 'There is no such event in the trail.');
    return foundOf(row);
  }

  async #recordLook(
    done: string,
    resource: string,
    changes: Record<string, unknown>,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<void> {
    await this.outbox.recordDurably({
      type: `countersign.audit.${done}.v1`,
      subject: resource,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: 'audit:read',
        resource,
        outcome: 'allowed',
        request: auditRequest(trace),
        changes,
      },
    });
  }
}
