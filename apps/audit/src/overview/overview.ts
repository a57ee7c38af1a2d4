import { type HealthReport } from '@countersign/service-host';
import { type SourceState } from '../intake/completeness.service.js';
import { type WaitingLetters } from '../intake/dead-letters.store.js';
import { type ReceivedReport } from '../source-reports/received-reports.js';
import { type SourceReports } from '../source-reports/source-reports.service.js';
import { type RetentionState } from '../retention/retention.store.js';

/** A source, and when its numbers last advanced. Times are RFC 3339. */
export interface SourceOverview extends SourceState {
  readonly advanced_at: string | null;
}

/** The log's size. Counts of events are strings, because they may exceed the range of a JSON number. */
export interface LogOverview {
  /** Events that have a place. */
  readonly size: string;
  /** Of those, how many the newest checkpoint covers. */
  readonly covered: string;
  /** How many of those are in the search index; the newest few are read one by one. */
  readonly indexed: string;
  /** When the newest checkpoint was signed; null before the first. */
  readonly signed_at: string | null;
}

export interface RetentionOverview extends RetentionState {
  /** Days that events stay in the database; null: forever. */
  readonly days: number | null;
}

/** The health of the trail, as known to this replica of audit. */
export interface Overview {
  readonly at: string;
  readonly sources: readonly SourceOverview[];
  /** The services' own reports: outboxes, revocation feeds, failing checks. */
  readonly reports: SourceReports & {
    /** This replica's own report, in the same form as the others'. */
    readonly own: ReceivedReport;
  };
  readonly dead_letters: WaitingLetters;
  readonly log: LogOverview;
  readonly retention: RetentionOverview;
  /** What `GET /health/ready` reports for this replica: intake, revocation feed, its own outbox, its tasks. */
  readonly replica: HealthReport;
}

/** Sources with the time of their last step. */
export function withTimes(
  states: readonly SourceState[],
  steps: readonly { readonly source: string; readonly advanced_at: string }[],
): readonly SourceOverview[] {
  const times = new Map(steps.map(({ source, advanced_at: at }) => [source, at]));
  return states.map((state) => ({ ...state, advanced_at: times.get(state.source) ?? null }));
}
