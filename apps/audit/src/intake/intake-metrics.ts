import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What operators see of the intake: how much came, how much waits, how late it is. */
export class IntakeMetrics {
  readonly #stored: Counter<'source'>;
  readonly #deadLetters: Counter;
  readonly #lag: Histogram;
  readonly #waiting: Gauge;
  #lastLagMs = 0;
  #lastWaiting = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#stored = new Counter({
      name: 'audit_events_received_total',
      help: 'Audit events taken from the stream and committed, by source; redeliveries count again.',
      labelNames: ['source'],
      registers,
    });
    this.#deadLetters = new Counter({
      name: 'audit_dead_letters_total',
      help: 'Messages that no trail can take, kept with their reason.',
      registers,
    });
    this.#lag = new Histogram({
      name: 'audit_intake_lag_seconds',
      help: 'Seconds from the stream taking an event to its commit in the log.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    });
    this.#waiting = new Gauge({
      name: 'audit_intake_waiting',
      help: 'Messages of the stream that are not yet committed, as last asked.',
      registers,
    });
  }

  /** @param lagMs milliseconds from the stream to the commit */
  stored(source: string, lagMs: number): void {
    this.#stored.inc({ source });
    this.#lag.observe(Math.max(0, lagMs) / 1_000);
    this.#lastLagMs = lagMs;
  }

  buried(): void {
    this.#deadLetters.inc();
  }

  waiting(messages: number): void {
    this.#waiting.set(messages);
    this.#lastWaiting = messages;
    if (messages === 0) this.#lastLagMs = 0;
  }

  /** For readiness. */
  note(): { readonly waiting: number; readonly lag_ms: number } {
    return { waiting: this.#lastWaiting, lag_ms: this.#lastLagMs };
  }
}
