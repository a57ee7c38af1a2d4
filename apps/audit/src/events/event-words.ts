import { type AuditEvent } from '@countersign/audit-event';

/** The words of a text, as the database's `words_of`: separated by ASCII other than letters, digits and hyphens; the case of ASCII letters folded. */
export function wordsOf(said: string): readonly string[] {
  return said
    .replaceAll(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
    .split(/[^0-9A-Za-z\u{80}-\u{10ffff}-]+/u)
    .filter((word) => word !== '');
}

function textsWithin(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsWithin);
}

/** The text that free-text search covers, as in the database's `text_of`. */
export function textOf({ data }: AuditEvent): string {
  const { principal, resource, action, reason, request, changes } = data;
  const named = [resource, action, principal?.subject, principal?.client_id, reason, request?.route];
  return [...named.filter((one) => one !== undefined), ...textsWithin(changes)].join(' ');
}
