import { Inject, Injectable } from '@nestjs/common';
import { principalOf, type AuditOutbox } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  DATABASE,
  Problem,
  auditRequest,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { desc, eq } from 'drizzle-orm';
import { conditionsOf, foundOf, pageOf, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { eventTable } from './events.tables.js';

const columns = { logIndex: eventTable.logIndex, receivedAt: eventTable.receivedAt, event: eventTable.event };

/** Searches the trail; each look is itself in the trail before it is answered. */
@Injectable()
export class EventsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async search(search: EventSearch, caller: Principal, trace: RequestTrace): Promise<EventPage> {
    const rows = await this.database
      .select(columns)
      .from(eventTable)
      .where(conditionsOf(search))
      .orderBy(desc(eventTable.logIndex))
      .limit(search.limit + 1);
    const page = pageOf(rows, search.limit);
    await this.#recordLook('events.searched', 'events', { search, shown: page.events.length }, caller, trace);
    return page;
  }

  async read(id: string, caller: Principal, trace: RequestTrace): Promise<FoundEvent> {
    const [row] = await this.database.select(columns).from(eventTable).where(eq(eventTable.id, id));
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
