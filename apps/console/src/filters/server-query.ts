import { setFilters, type TrailSearch } from './trail-search.js';
import { parseTime } from './time-range.js';

/** The filters in the server's form; times become absolute. */
export function serverQueryOf(search: TrailSearch, now: number): Record<string, string> {
  const query: Record<string, string> = Object.fromEntries(setFilters(search).map(({ name, value }) => [name, value]));
  for (const name of ['from', 'to'] as const) {
    const time = search[name] === undefined ? undefined : parseTime(search[name], now);
    if (time !== undefined) query[name] = new Date(time).toISOString();
  }
  return query;
}
