import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Waiting } from './intake-consumer.js';

const round = (share: number): number => Math.round(share * 1_000) / 1_000;

/** Intake's metrics: how much arrived, how much is waiting, how late it is. */
export class IntakeMetrics {
  readonly #stored: Counter<'source'>;
  readonly #deadLetters: Counter;
  readonly #lag: Histogram;
  readonly #waiting: Gauge;
  readonly #streamBytes: Gauge;
  readonly #streamLimit: Gauge;
  #lastLagMs = 0;
  #last: Waiting | null = null;

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
      help: 'Messages that could not enter the trail, kept with the reason.',
      registers,
    });
    this.#lag = new Histogram({
      name: 'audit_intake_lag_seconds',
      help: 'Seconds from an event entering the stream to its commit in the log.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    });
    this.#waiting = new Gauge({
      name: 'audit_intake_waiting',
      help: 'Messages in the stream that are not committed yet, as of the last poll.',
      registers,
    });
    this.#streamBytes = new Gauge({
      name: 'audit_stream_bytes',
      help: 'Bytes in the stream that are not committed yet, as of the last poll; NaN while unknown.',
      registers,
    });
    this.#streamLimit = new Gauge({
      name: 'audit_stream_limit_bytes',
      help: 'Size limit of the stream in bytes; at the limit it refuses messages and the outboxes wait.',
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

  /** @param waiting nothing: it is not known */
  waiting(waiting: Waiting | undefined): void {
    this.#waiting.set(waiting?.messages ?? Number.NaN);
    this.#streamBytes.set(waiting?.bytes ?? Number.NaN);
    if (waiting !== undefined) this.#streamLimit.set(waiting.limit);
    this.#last = waiting ?? null;
    if (waiting?.messages === 0) this.#lastLagMs = 0;
  }

  /** For readiness. */
  note(): { readonly waiting: number | null; readonly lag_ms: number; readonly stream_fill: number | null } {
    const { messages, bytes, limit } = this.#last ?? { messages: null, bytes: 0, limit: 0 };
    return { waiting: messages, lag_ms: this.#lastLagMs, stream_fill: limit > 0 ? round(bytes / limit) : null };
  }
}
