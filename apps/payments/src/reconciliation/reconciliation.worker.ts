import { Inject, Injectable } from '@nestjs/common';
import {
  Background,
  CLOCK,
  LOGGER,
  METRICS,
  Problem,
  unattended,
  type Caller,
  type Unattended,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { OWN_CLIENT_ID } from '../recovery/recovery.service.js';
import { nextNightlyRun } from './nightly.js';
import { ReconciliationService, type ReportJson, type ReconciliationRequest } from './reconciliation.service.js';

export const RECONCILE_HOUR = Symbol('countersign.payments.reconcile-hour');

/** Milliseconds between two checks whether it is time. */
const CHECK_EVERY_MS = 60_000;

/** Compares each night, on one replica, and exposes the last run's result as metrics; manual runs come through here too. */
@Injectable()
export class ReconciliationWorker {
  readonly #differences: Gauge<'code'>;
  readonly #finished: Gauge;
  #next: Date;

  constructor(
    @Inject(ReconciliationService) private readonly reconciliation: Pick<ReconciliationService, 'run'>,
    @Inject(OWN_CLIENT_ID) private readonly clientId: string,
    @Inject(RECONCILE_HOUR) private readonly hour: number,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
    @Inject(Background) background: Pick<Background, 'repeat'>,
  ) {
    this.#next = nextNightlyRun(clock(), hour);
    background.repeat({ name: 'reconciliation', everyMs: CHECK_EVERY_MS, run: (signal) => this.#tonight(signal) });
    this.#differences = new Gauge({
      name: 'payments_reconciliation_differences',
      help: 'Differences between payments and accounts in the last reconciliation of this process, by code.',
      labelNames: ['code'],
      registers: [metrics],
    });
    this.#finished = new Gauge({
      name: 'payments_reconciliation_finished_seconds',
      help: 'When the last reconciliation of this process ended, in seconds since 1970.',
      registers: [metrics],
    });
  }

  /** Runs now. @throws {Problem} see {@link ReconciliationService.run} */
  async now(request: ReconciliationRequest, who: Caller | Unattended): Promise<ReportJson> {
    const report = await this.reconciliation.run(request, who);
    for (const [code, count] of Object.entries(report.differences)) this.#differences.set({ code }, count);
    this.#finished.set(Date.parse(report.finished_at) / 1_000);
    const { ok, differences, repaired } = report;
    if (ok) this.logger.info({ repaired }, 'payments and accounts agree');
    else
      this.logger.error({ differences, repaired }, 'payments and accounts differ; run countersign payments reconcile');
    return report;
  }

  async #tonight(signal: AbortSignal): Promise<undefined> {
    if (this.clock() < this.#next) return undefined;
    try {
      const { traceparent } = unattended();
      await this.now({ since: undefined, repair: false, signal }, { clientId: this.clientId, traceparent });
    } catch (error) {
      // Another replica is doing it.
      if (!(error instanceof Problem) || error.code !== 'RECONCILIATION_RUNNING') throw error;
    }
    // Only now, so that a failed comparison is repeated with the next check.
    this.#next = nextNightlyRun(this.clock(), this.hour);
    return undefined;
  }
}
