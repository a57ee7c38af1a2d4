import { z } from 'zod';

/** An id in a request: a UUID in canonical form (RFC 9562, section 4), so that capitals do not make it another id. */
export const idSchema = z.uuid().toLowerCase();

const text = z.iso.datetime({ offset: true });
const finerThanMilliseconds = /\.\d{3}\d*[1-9]/;

/** Milliseconds since 1970, finer digits truncated. `Date.parse` by itself misreads fractions of more than nine digits. */
function millisecondsOf(time: string): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'));
}

const YEARS = 'must be in the years 1 to 9999 (UTC)';

/** Whether RFC 3339 can express it and PostgreSQL can read it: an offset or the next millisecond can leave that range of years. */
function isKeepable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}

/**
 * A time that bounds a query, from it on or before it: RFC 3339 with its offset, of any precision. Stored times have
 * milliseconds, so the bound is the first millisecond that is not earlier: it divides stored times exactly as the finer time would.
 */
export const timeBoundSchema = text
  .transform((time) => new Date(millisecondsOf(time) + (finerThanMilliseconds.test(time) ? 1 : 0)))
  .refine(isKeepable, YEARS);

/** An inclusive upper bound of a query: the last millisecond that is not later. Otherwise like {@link timeBoundSchema}. */
export const timeThroughSchema = text.transform((time) => new Date(millisecondsOf(time))).refine(isKeepable, YEARS);
