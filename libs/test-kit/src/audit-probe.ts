import { randomUUID } from 'node:crypto';
import { completeEvent, type NewAuditEvent, type UnnumberedEvent } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';

/** A refusal as the guard of `@countersign/auth` reports it. */
export interface RefusalSeen {
  readonly code: string;
  readonly status: number;
  readonly detail?: string | undefined;
  readonly principal?: Principal | undefined;
}

/** What a test looks for; each member given must match. */
export interface EventMatch {
  readonly action?: string;
  readonly outcome?: UnnumberedEvent['data']['outcome'];
  readonly resource?: string;
  readonly reason?: string;
  /** The principal's subject. */
  readonly subject?: string;
}

/** Collects what a service records. It replaces the service's outbox, and receives its guard's refusals. */
export interface AuditProbe {
  readonly events: readonly UnnumberedEvent[];
  readonly refusals: readonly RefusalSeen[];
  /** Like `AuditOutbox.record`, with the same checks. */
  record(transaction: unknown, event: NewAuditEvent): Promise<string>;
  /** Like `AuditOutbox.recordDurably`. */
  recordDurably(event: NewAuditEvent): Promise<string>;
  complete(event: NewAuditEvent): UnnumberedEvent;
  /** For `AuthModule.forRoot({ onRefused: probe.onRefused })`. */
  readonly onRefused: (refusal: RefusalSeen) => Promise<void>;
  find(requested: EventMatch): readonly UnnumberedEvent[];
  /** The one matching event. @throws {Error} when there is none, or more than one, listing what there is */
  only(requested: EventMatch): UnnumberedEvent;
  /** Makes the next record fail, as with an unavailable database: the response must then not be sent. */
  failNext(error: Error): void;
  clear(): void;
}

/** Options of an audit probe. */
export interface AuditProbeOptions {
  /** The service's name; `orders` by default. */
  readonly source?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

function fits({ data }: UnnumberedEvent, requested: EventMatch): boolean {
  const seen: EventMatch = {
    action: data.action,
    outcome: data.outcome,
    resource: data.resource,
    ...(data.reason === undefined ? {} : { reason: data.reason }),
    ...(data.principal === null ? {} : { subject: data.principal.subject }),
  };
  const names = ['action', 'outcome', 'resource', 'reason', 'subject'] as const;
  return names.every((name) => requested[name] === undefined || requested[name] === seen[name]);
}

const oneLine = ({ data }: UnnumberedEvent): string =>
  `${data.action} ${data.outcome} on ${data.resource} by ${data.principal?.subject ?? 'nobody'}`;

/** Creates a probe: `providers: [{ provide: AUDIT_OUTBOX, useValue: createAuditProbe({ source: 'orders' }) }]` */
export function createAuditProbe({ source = 'orders', now = Date.now }: AuditProbeOptions = {}): AuditProbe {
  const events: UnnumberedEvent[] = [];
  const refusals: RefusalSeen[] = [];
  const failures: Error[] = [];
  const complete = (event: NewAuditEvent): UnnumberedEvent =>
    completeEvent(event, randomUUID(), source, new Date(now()));
  const recordDurably = (event: NewAuditEvent): Promise<string> => {
    const failure = failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    const completed = complete(event);
    events.push(completed);
    return Promise.resolve(completed.id);
  };
  const find = (requested: EventMatch): readonly UnnumberedEvent[] => events.filter((event) => fits(event, requested));
  return {
    events,
    refusals,
    complete,
    recordDurably,
    record: (_transaction, event) => recordDurably(event),
    onRefused(refusal) {
      refusals.push(refusal);
      return Promise.resolve();
    },
    find,
    only(requested) {
      const [found, ...more] = find(requested);
      if (found !== undefined && more.length === 0) return found;
      const there = events.map((event) => `  - ${oneLine(event)}`).join('\n');
      throw new Error(
        `${String(more.length + (found === undefined ? 0 : 1))} events match ${JSON.stringify(requested)}; recorded:\n${there}`,
      );
    },
    failNext(error) {
      failures.push(error);
    },
    clear() {
      events.length = 0;
      refusals.length = 0;
    },
  };
}
