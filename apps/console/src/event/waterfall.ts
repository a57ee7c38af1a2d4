import { type FoundEvent } from '../api/events.js';

/** One service's part in one request: from its first event to its last. */
export interface Step {
  readonly key: string;
  readonly source: string;
  /** The route, or the action if no request caused it. */
  readonly title: string;
  /** Parts of the whole, 0 to 1. */
  readonly start: number;
  readonly length: number;
  /** Milliseconds after the first event of all. */
  readonly afterMs: number;
  readonly events: readonly FoundEvent[];
}

const timeOf = ({ event }: FoundEvent): number => Date.parse(event.time);

/** A request's path across services, in the order in which each began. @param found events of one trace or transaction */
export function stepsOf(found: readonly FoundEvent[]): readonly Step[] {
  const groups = [
    ...Map.groupBy(found, ({ event, log_index: index }) => `${event.source} ${event.data.request?.id ?? index}`),
  ].map(([key, events]) => ({ key, events: events.toSorted((a, b) => timeOf(a) - timeOf(b)) }));
  const times = found.map(timeOf);
  const begin = Math.min(...times);
  const whole = Math.max(Math.max(...times) - begin, 1);
  return groups
    .flatMap(({ key, events }): Step[] => {
      const [first] = events;
      const last = events.at(-1);
      if (first === undefined || last === undefined) return [];
      const { request, action } = first.event.data;
      return [
        {
          key,
          source: first.event.source,
          title: request === undefined ? action : `${request.method} ${request.route}`,
          start: (timeOf(first) - begin) / whole,
          length: (timeOf(last) - timeOf(first)) / whole,
          afterMs: timeOf(first) - begin,
          events,
        },
      ];
    })
    .sort((a, b) => a.afterMs - b.afterMs);
}
