import { type AuditEvent } from '@countersign/audit-event';
import { z } from 'zod';
import { filterShape } from './event-filter.js';

/** Maximum buckets of a histogram. */
const BUCKETS_LIMIT = 120;
/** Maximum values of a facet, the most frequent first. */
const VALUES_LIMIT = 12;

/** `GET /events/summary`: filters as in a search. Without `from` it starts with the first event, without `to` it ends now. */
export const eventSummarySchema = z.strictObject({
  ...filterShape,
  buckets: z.coerce.number().int().min(1).max(BUCKETS_LIMIT).default(60),
});
export type EventSummaryQuery = z.infer<typeof eventSummarySchema>;

type Outcome = 'allowed' | 'denied' | 'failed';
/** How many events of each outcome there are. */
export type OutcomeCounts = Readonly<Record<Outcome, number>>;

export interface Bucket extends OutcomeCounts {
  /** RFC 3339: from here to the start of the next bucket. */
  readonly from: string;
}

const facetFields = ['source', 'client', 'subject', 'action', 'type', 'outcome'] as const;
export type FacetField = (typeof facetFields)[number];

/** How many events match, over time and by value. */
export interface EventSummary {
  readonly from: string;
  readonly to: string;
  readonly buckets: readonly Bucket[];
  /** How many match in all. */
  readonly events: number;
  /** False if there were too many to check each one: then only the newest were checked, and earlier counts come from the index, spread evenly over each of its steps. */
  readonly exact: boolean;
  readonly facets: Readonly<Record<FacetField, readonly { readonly value: string; readonly events: number }[]>>;
  /** The number of events, the newest ones, among which facets were counted. */
  readonly facets_of: number;
}

/** Equal parts of a period, in milliseconds since 1970. */
export interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Counts in the parts of a period. */
export class Histogram {
  readonly #counts: Record<Outcome, number>[];
  readonly #width: number;

  constructor(private readonly timeline: Timeline) {
    this.#counts = Array.from({ length: timeline.count }, () => ({ allowed: 0, denied: 0, failed: 0 }));
    this.#width = Math.max(timeline.to - timeline.from, 1) / timeline.count;
  }

  /** Adds one event; outside the period it is ignored. */
  add(time: number, outcome: Outcome): void {
    const { from, to, count } = this.timeline;
    if (time < from || time >= to) return;
    const bucket = this.#counts[Math.min(Math.floor((time - from) / this.#width), count - 1)];
    if (bucket !== undefined) bucket[outcome] += 1;
  }

  /** Adds many events with a known time range: spread evenly, ignoring what is outside. */
  spread(first: number, last: number, outcome: Outcome, events: number): void {
    const { from, count } = this.timeline;
    const length = Math.max(last - first, 1);
    for (let at = Math.max(Math.floor((first - from) / this.#width), 0); at < count; at += 1) {
      const begin = from + at * this.#width;
      if (begin >= first + length) return;
      const shared = Math.min(begin + this.#width, first + length) - Math.max(begin, first);
      const bucket = this.#counts[at];
      if (bucket !== undefined && shared > 0) bucket[outcome] += (events * shared) / length;
    }
  }

  buckets(): readonly Bucket[] {
    return this.#counts.map((counts, at) => ({
      from: new Date(Math.round(this.timeline.from + at * this.#width)).toISOString(),
      allowed: Math.round(counts.allowed),
      denied: Math.round(counts.denied),
      failed: Math.round(counts.failed),
    }));
  }
}

function valueOf(field: FacetField, { source, type, data }: AuditEvent): string | undefined {
  switch (field) {
    case 'source':
      return source;
    case 'type':
      return type;
    case 'client':
      return data.principal?.client_id;
    case 'subject':
      return data.principal?.subject;
    case 'action':
      return data.action;
    case 'outcome':
      return data.outcome;
  }
}

/** The most frequent values of each field. */
export function facetsOf(found: readonly AuditEvent[]): EventSummary['facets'] {
  const facet = (field: FacetField): EventSummary['facets'][FacetField] => {
    const counts = new Map<string, number>();
    for (const event of found) {
      const value = valueOf(field, event);
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts]
      .map(([value, events]) => ({ value, events }))
      .sort((a, b) => b.events - a.events || (a.value < b.value ? -1 : 1))
      .slice(0, VALUES_LIMIT);
  };
  return {
    source: facet('source'),
    client: facet('client'),
    subject: facet('subject'),
    action: facet('action'),
    type: facet('type'),
    outcome: facet('outcome'),
  };
}
