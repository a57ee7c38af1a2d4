import { textFilters, type TrailSearch } from '../filters/trail-search.js';
import { parseTime } from './time-range.js';

/** The filters as the server takes them; times become absolute. A time that cannot be read is left out. */
export function serverQueryOf(search: TrailSearch, now: number): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of [...textFilters, 'outcome', 'q'] as const) {
    const value = search[name];
    if (value !== undefined) query[name] = value;
  }
  for (const name of ['from', 'to'] as const) {
    const time = search[name] === undefined ? undefined : parseTime(search[name], now);
    if (time !== undefined) query[name] = new Date(time).toISOString();
  }
  return query;
}
