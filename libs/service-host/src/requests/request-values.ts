import { z } from 'zod';

/** An id as it comes in a request: a UUID in canonical form (RFC 9562, section 4), so that its capitals make no other id of it. */
export const idSchema = z.uuid().toLowerCase();

const text = z.iso.datetime({ offset: true });
const finerThanMilliseconds = /\.\d{3}\d*[1-9]/;

/** Milliseconds since 1970, what is finer cut off. `Date.parse` by itself misreads fractions of more than nine digits. */
function millisecondsOf(time: string): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'));
}

const YEARS = 'must be in the years 1 to 9999 (UTC)';

/** Whether RFC 3339 can write it and PostgreSQL reads that: an offset or the next millisecond can lead out of these years. */
function isKeepable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}

/**
 * A time that bounds what is asked for, from it on or before it: RFC 3339 with its offset, of whatever precision. What is kept has
 * milliseconds, so the bound is the first millisecond that is not earlier: it parts what is kept exactly as the finer time would.
 */
export const timeBoundSchema = text
  .transform((time) => new Date(millisecondsOf(time) + (finerThanMilliseconds.test(time) ? 1 : 0)))
  .refine(isKeepable, YEARS);

/** A time up to which, itself included, something is asked for: the last millisecond that is not later. Else as {@link timeBoundSchema}. */
export const timeThroughSchema = text.transform((time) => new Date(millisecondsOf(time))).refine(isKeepable, YEARS);
