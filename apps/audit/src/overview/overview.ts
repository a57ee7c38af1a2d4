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

/** The log's ends. Numbers of events are text: they may pass what a JSON number carries. */
export interface LogOverview {
  /** Events that have a place. */
  readonly size: string;
  /** Of those, how many the newest checkpoint covers. */
  readonly covered: string;
  /** Of those, how many search finds by its index; the newest few are read one by one. */
  readonly indexed: string;
  /** When the newest checkpoint was signed; null before the first. */
  readonly signed_at: string | null;
}

export interface RetentionOverview extends RetentionState {
  /** Days that events stay in the database; null: forever. */
  readonly days: number | null;
}

/** How the trail is doing, as this replica of audit knows it. */
export interface Overview {
  readonly at: string;
  readonly sources: readonly SourceOverview[];
  /** What the services report of themselves: outboxes, revocation feeds, failing checks. */
  readonly reports: SourceReports & {
    /** What this replica of audit says of itself, in the form in which the others report. */
    readonly own: ReceivedReport;
  };
  readonly dead_letters: WaitingLetters;
  readonly log: LogOverview;
  readonly retention: RetentionOverview;
  /** What `GET /health/ready` says of this replica: intake, revocation feed, its own outbox, its tasks. */
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
