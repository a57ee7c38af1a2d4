import { type ExportedEntry } from './export-check.js';

/** What an event of the log's own service states about other entries of the log. */
export type LogDeclaration = Pick<ExportedEntry, 'accountsFor' | 'lost' | 'restored'>;

interface EventInLog {
  readonly source: string;
  readonly type: string;
  readonly data?: { readonly changes?: unknown } | undefined;
}

/** The only source whose events may state anything about the log. */
const LOG_SOURCE = 'audit';

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}

const sequenceOf = (value: unknown): string | undefined => matching(value, /^[1-9][0-9]{0,17}$/);
const indexOf = (value: unknown): string | undefined => matching(value, /^(0|[1-9][0-9]{0,15})$/);

function numbers(changes: unknown, firstName: string, lastName: string): LogDeclaration {
  const source = memberOf(changes, 'source');
  const first = sequenceOf(memberOf(changes, firstName));
  const last = sequenceOf(memberOf(changes, lastName));
  if (typeof source !== 'string' || first === undefined || last === undefined) return {};
  return { accountsFor: { source, first: BigInt(first), last: BigInt(last) } };
}

function restoredSpan(changes: unknown): LogDeclaration {
  const first = indexOf(memberOf(changes, 'first_index'));
  const end = indexOf(memberOf(changes, 'end_index'));
  const lost = memberOf(changes, 'lost_entries');
  const isCount = typeof lost === 'number' && Number.isSafeInteger(lost) && lost >= 0;
  if (first === undefined || end === undefined || !isCount) return {};
  return { restored: { first: Number(first), end: Number(end), lost } };
}

/**
 * What a proof must know about the log's own events: which numbers of a source a dead letter or an accepted gap accounts for, and what a restore
 * lost. An event of another source declares nothing, whatever it says; nor does one whose `changes` are malformed.
 */
export function logDeclarationOf({ source, type, data }: EventInLog): LogDeclaration {
  if (source !== LOG_SOURCE) return {};
  switch (type) {
    case 'countersign.audit.dead-letter.kept.v1':
      return numbers(data?.changes, 'sequence', 'sequence');
    case 'countersign.audit.gap.accepted.v1':
      return numbers(data?.changes, 'first', 'last');
    case 'countersign.audit.entry.lost.v1':
      return { lost: true };
    case 'countersign.audit.log.recovered.v1':
      return restoredSpan(data?.changes);
    default:
      return {};
  }
}
