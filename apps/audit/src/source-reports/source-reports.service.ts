import { Inject, Injectable } from '@nestjs/common';
import { ALL_REPORTS, parseReport } from '@countersign/audit-client';
import { CLOCK, thisReplica } from '@countersign/service-host';
import { type NatsConnection } from '@nats-io/transport-node';
import { ReceivedReports, type ReceivedReport } from './received-reports.js';

/** The services' reports to this replica of audit. */
export interface SourceReports {
  /** The time since which it has been listening; null without NATS. RFC 3339. */
  readonly since: string | null;
  readonly received: readonly ReceivedReport[];
}

/** Listens to services' reports: NATS lets each publish only under its own name. */
@Injectable()
export class SourceReportsService {
  readonly #received = new ReceivedReports();
  #since: Date | null = null;

  constructor(@Inject(CLOCK) private readonly clock: () => Date) {}

  /**
   * Every replica of audit receives all of them.
   * @param onKnown receives a source's proof of the highest log index that it received
   */
  listen(connection: NatsConnection, onKnown: (source: string, known: string) => void): void {
    this.#since = this.clock();
    connection.subscribe(ALL_REPORTS, {
      callback: (error, message) => {
        if (error !== null) return;
        const source = message.subject.slice(ALL_REPORTS.length - 1);
        const heard = parseReport(source, message.string());
        if (heard === undefined) return;
        // A proof is not shown to anyone.
        const { known, ...report } = heard;
        if (known !== undefined) onKnown(source, known);
        if (source !== 'audit' || report.replica !== thisReplica) this.#received.hear(report, this.clock());
      },
    });
  }

  read(): SourceReports {
    return { since: this.#since?.toISOString() ?? null, received: this.#received.read(this.clock()) };
  }
}
