const DAY_MS = 86_400_000;
/** Days before its expiry from which an entry is listed first and highlighted. */
export const WARNING_DAYS = 14;

/** Days after which a client's secret is old: it never expires, and people have seen it. */
export const SECRET_DAYS = 180;

/** Whether a secret should be replaced. @param now milliseconds since 1970 */
export const isOld = (createdAt: string, now: number): boolean => now - Date.parse(createdAt) > SECRET_DAYS * DAY_MS;

/** Entries that expire before this time get a warning. @param now milliseconds since 1970 */
export function warningBound(now: number): string {
  // To the minute, so that the query stays the same while the page is open.
  return new Date(Math.floor((now + WARNING_DAYS * DAY_MS) / 60_000) * 60_000).toISOString();
}

/** When an API key expires: by itself, or at the end of its rotation's grace period. */
export function endOfKey(key: { readonly expires_at: string; readonly ends_at?: string | null | undefined }): string {
  const grace = key.ends_at ?? undefined;
  return grace !== undefined && Date.parse(grace) < Date.parse(key.expires_at) ? grace : key.expires_at;
}

/** The remaining time, in words. @param now milliseconds since 1970 */
export function leftText(end: string, now: number): string {
  const left = Date.parse(end) - now;
  if (left <= 0) return 'over';
  const hours = Math.floor(left / 3_600_000);
  if (hours < 1) return 'less than an hour';
  if (hours < 48) return hours === 1 ? '1 hour' : `${String(hours)} hours`;
  return `${String(Math.floor(left / DAY_MS))} days`;
}

/** Whether something expires soon enough for a warning. */
export function endsSoon(end: string, now: number): boolean {
  const left = Date.parse(end) - now;
  return left > 0 && left < WARNING_DAYS * DAY_MS;
}
