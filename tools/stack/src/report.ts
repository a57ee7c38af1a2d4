import { type SampleResult, type TrailEvent } from './sample-payment.js';

/** Rows as aligned columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** Minor units as people write them. */
export function inWords({ amount, currency }: { readonly amount: string; readonly currency: string }): string {
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const sign = amount.startsWith('-') ? '-' : '';
  const text = amount.replace('-', '').padStart(digits + 1, '0');
  const cut = text.length - digits;
  return `${sign}${text.slice(0, cut)}${digits === 0 ? '' : `.${text.slice(cut)}`} ${currency}`;
}

function trailRow({ time, source, data, traceparent }: TrailEvent): readonly string[] {
  const who = data.principal === null ? 'unverified caller' : (data.principal.actors[0] ?? data.principal.client_id);
  const behalf = data.principal !== null && data.principal.actors.length > 0 ? data.principal.subject : '-';
  const trace = traceparent?.split('-')[1] ?? '-';
  return [time.slice(11, 23), source, who, behalf, data.action, data.resource, data.outcome, trace];
}

/** The sample for people. */
export function reportSample({ payment, balances, events }: SampleResult): string {
  return [
    '',
    `Payment ${payment.id}: ${payment.status}, ${inWords(payment.amount)}`,
    '',
    table(
      ['account', 'name', 'balance'],
      balances.map(({ id, name, balance }) => [id, name, inWords(balance)]),
    ),
    '',
    'The audit trail of this payment:',
    '',
    table(
      ['time (UTC)', 'service', 'who', 'on behalf of', 'action', 'resource', 'outcome', 'trace id'],
      events.map(trailRow),
    ),
    '',
  ].join('\n');
}

/** The sample for programs: one line. */
export function jsonSummary({ ok, payment, balances, events }: SampleResult, seconds: number): string {
  return JSON.stringify({ ok, payment, balances, events, seconds });
}
