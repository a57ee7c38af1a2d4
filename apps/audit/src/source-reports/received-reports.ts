import { BoundedMap } from '@countersign/auth-core';
import { type SourceReport } from '@countersign/audit-client';

/** Maximum replicas kept for one source. */
export const REPLICA_LIMIT = 16;
/** Maximum sources kept; each has its own account on NATS. */
const SOURCE_LIMIT = 256;
/** Milliseconds after which a silent replica is dropped, unless no other replica of its source has reported since. */
export const FORGET_AFTER_MS = 300_000;

/** The last report of a replica of another service, or of another audit replica. */
export interface ReceivedReport extends SourceReport {
  /** When it arrived here. RFC 3339. */
  readonly heard_at: string;
}

/** The newest report of each replica. Only in memory, because a report that is not repeated means nothing. */
export class ReceivedReports {
  /** By source, then by replica, the most recent last. */
  readonly #sources = new Map<string, BoundedMap<string, ReceivedReport>>();

  hear(report: SourceReport, at: Date): void {
    const replicas = this.#sources.get(report.source) ?? new BoundedMap<string, ReceivedReport>(REPLICA_LIMIT);
    if (replicas.size === 0 && this.#sources.size >= SOURCE_LIMIT) return;
    replicas.set(report.replica, { ...report, heard_at: at.toISOString() });
    this.#sources.set(report.source, replicas);
  }

  /** By source and replica. The last replica of a source stays, no matter how long it is silent. */
  read(now: Date): readonly ReceivedReport[] {
    const kept: ReceivedReport[] = [];
    for (const replicas of this.#sources.values()) {
      const last = [...replicas.keys()].at(-1);
      for (const [replica, report] of replicas) {
        if (replica !== last && now.getTime() - Date.parse(report.heard_at) > FORGET_AFTER_MS) replicas.delete(replica);
        else kept.push(report);
      }
    }
    const key = ({ source, replica }: ReceivedReport): string => `${source} ${replica}`;
    return kept.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}
