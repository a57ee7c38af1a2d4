/**
 * `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
 * @param now milliseconds since 1970
 * @returns seconds from now; undefined when the header is absent or malformed
 */
export function retryAfterOf(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /^[A-Z][a-z]{2,8}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1_000);
}
