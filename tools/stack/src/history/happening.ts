import {
  completeEvent,
  uuidv7,
  type AuditPrincipal,
  type EventParts,
  type UnnumberedEvent,
} from '@countersign/audit-event';
import { between, hexDigits, pick, type Random } from '../random.js';
import { type ServiceName } from '../services.js';

/** What goes into a service's outbox: an event, or what no trail takes, or numbers that are lost. */
export type Happening =
  | { readonly kind: 'event'; readonly source: ServiceName; readonly at: number; readonly event: UnnumberedEvent }
  | {
      readonly kind: 'misfit';
      readonly source: ServiceName;
      readonly at: number;
      readonly id: string;
      readonly event: object;
    }
  | { readonly kind: 'lost'; readonly source: ServiceName; readonly at: number; readonly count: number };

/** What one event says. */
export interface Said {
  /** `<thing>.<done>`, as the service's catalogue names it. */
  readonly event: string;
  readonly action: string;
  /** `<kind>/<id>` */
  readonly resource: string;
  readonly outcome?: 'allowed' | 'denied' | 'failed';
  readonly reason?: string;
  readonly principal?: AuditPrincipal | null;
  /** Method and route pattern; none where the service acted by itself. */
  readonly route?: readonly [method: string, route: string];
  readonly peer?: string;
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** Everything that one first request sets off, each a little after the one before. */
export class Story {
  readonly happenings: Happening[] = [];
  readonly txn: string;
  readonly #traceId: string;

  /** @param at milliseconds since 1970 */
  constructor(
    readonly random: Random,
    public at: number,
  ) {
    this.txn = this.id();
    this.#traceId = this.hex(32);
  }

  hex(digits: number): string {
    return hexDigits(this.random, digits);
  }

  /** A new UUIDv7 of this moment. */
  id(): string {
    return uuidv7(Math.floor(this.at), this.hex(19));
  }

  between(min: number, max: number): number {
    return between(this.random, min, max);
  }

  pick<Item>(items: readonly Item[]): Item {
    return pick(this.random, items);
  }

  /** Whether, in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.random() * 100 < percent;
  }

  /** Lets time pass. */
  wait(min: number, max: number): void {
    this.at += this.between(min, max);
  }

  /** One service records something, a few milliseconds later. */
  say(source: ServiceName, said: Said): void {
    this.wait(2, 40);
    const event = completeEvent(this.#partsOf(source, said), this.id(), source, new Date(this.at));
    this.happenings.push({ kind: 'event', source, at: this.at, event });
  }

  /** One service says what no trail takes: it goes to the dead letters. */
  misfit(source: ServiceName, said: Said, member: Readonly<Record<string, unknown>>): void {
    const id = this.id();
    const event = { ...completeEvent(this.#partsOf(source, said), id, source, new Date(this.at)), ...member };
    this.happenings.push({ kind: 'misfit', source, at: this.at, id, event });
  }

  /** Numbers of a service's events are lost on their way. */
  lose(source: ServiceName, count: number): void {
    this.happenings.push({ kind: 'lost', source, at: this.at, count });
  }

  #partsOf(source: ServiceName, said: Said): EventParts {
    const { event, action, resource, outcome = 'allowed', reason, principal = null, route, peer, changes } = said;
    return {
      type: `countersign.${source}.${event}.v1`,
      subject: resource,
      traceparent: `00-${this.#traceId}-${this.hex(16)}-01`,
      data: {
        principal,
        txn: principal === null && route === undefined ? null : this.txn,
        action,
        resource,
        outcome,
        ...(reason === undefined ? {} : { reason }),
        ...(route === undefined
          ? {}
          : { request: { method: route[0], route: route[1], id: this.id(), peer: peer ?? '10.20.0.7' } }),
        ...(changes === undefined ? {} : { changes }),
      },
    };
  }
}
