import { eventFilters } from '@countersign/audit-event';
import { outcomes } from '../api/events.js';
import { parseTime } from '../filters/time-range.js';
import { setFilters, type TrailSearch } from '../filters/trail-search.js';

const names = [...eventFilters, 'from', 'to'] as const;
type Name = (typeof names)[number];
const isName = (name: string): name is Name => names.some((one) => one === name);

/** A part of a typed line: a filter, or a word to search for everywhere. */
interface Part {
  readonly name?: string;
  readonly value: string;
}

/** Splits `client:storefront action:"payments create" refund`; a value in double quotes may contain spaces, and \" and \\. */
function partsOf(line: string): readonly Part[] {
  const parts = line.matchAll(/([a-z_]+):(?:"((?:[^"\\]|\\.)*)"?|(\S*))|"((?:[^"\\]|\\.)*)"?|(\S+)/g);
  const unquoted = (text: string | undefined): string | undefined => text?.replaceAll(/\\(["\\])/g, '$1');
  return [...parts].map(([, name, quoted, plain, words, word]) => ({
    ...(name === undefined ? {} : { name }),
    value: unquoted(quoted) ?? plain ?? unquoted(words) ?? word ?? '',
  }));
}

export interface TypedFilter {
  readonly search: TrailSearch;
  /** What is wrong, in words; undefined if all of it is understood. */
  readonly fault: string | undefined;
}

/** Reads a typed line of filters; words without a name are searched for in the texts of events. */
export function parseFilterText(line: string): TypedFilter {
  const search: Record<string, string> = {};
  const words: string[] = [];
  let fault: string | undefined;
  for (const { name, value } of partsOf(line)) {
    if (name === undefined || !isName(name)) {
      // A text with a colon that is not a filter: `person:01a2…`, `payments:create`.
      words.push(name === undefined ? value : `${name}:${value}`);
    } else if (value === '') fault ??= `Add a value for ${name}: ${name}:value`;
    else if (name === 'outcome' && !outcomes.some((one) => one === value))
      fault ??= `outcome must be ${outcomes.join(', ')}`;
    else if ((name === 'from' || name === 'to') && parseTime(value, 0) === undefined)
      fault ??= `${name} must be a time, such as -3h, 2026-11-26 or "2026-11-26 14:00"`;
    else search[name] = value;
  }
  if (words.length > 0) search['q'] = words.join(' ');
  return { search, fault };
}

const quoted = (value: string): string => (/[\s"]/.test(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value);

/** The filters as a line that can be typed; times are chosen elsewhere. */
export function filterTextOf(search: TrailSearch): string {
  return setFilters(search)
    .map(({ name, value }) => (name === 'q' ? value : `${name}:${quoted(value)}`))
    .join(' ');
}
