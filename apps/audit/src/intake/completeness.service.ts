import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SequenceRanges } from '@countersign/merkle-log';
import { HEALTH, LOGGER, METRICS, POOL, type HealthRegistry } from '@countersign/service-host';
import type pg from 'pg';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { z } from 'zod';

const LOOK_EVERY_MS = 5_000;

/** Seconds that a number may be missing before it is an alert: redelivery fills a gap within half a minute. */
export const GAP_ALERT_SECONDS = 60;

const rowsSchema = z.array(
  z.object({
    source: z.string(),
    through: z.string(),
    known: z.string(),
    gap_since: z.date().nullable(),
    gap_seconds: z.number(),
  }),
);

/** How complete one source's events are. */
export interface SourceState {
  readonly source: string;
  /** Every number up to this one is in the trail. */
  readonly through: string;
  /** Numbers that are missing below the highest, lowest first; the first hundred ranges. */
  readonly missing: readonly { readonly first: string; readonly last: string }[];
  readonly gap_since: string | null;
  /** Whether numbers are missing for longer than a minute. */
  readonly alert: boolean;
}

/** Knows which numbers are missing, and says so in readiness and metrics once they are missing for too long. */
@Injectable()
export class CompletenessService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #states: readonly SourceState[] = [];
  #alerts: readonly SourceState[] = [];

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
  ) {
    health.addNote('completeness', () => ({ alert: this.#alerts.length > 0, gaps: this.#alerts }));
    const last = (): readonly SourceState[] => this.#states;
    new Gauge({
      name: 'audit_source_gap',
      help: '1 if sequence numbers of a source have been missing from the trail for more than a minute, else 0.',
      labelNames: ['source'],
      registers: [metrics],
      collect(): void {
        this.reset();
        for (const { source, alert } of last()) this.set({ source }, alert ? 1 : 0);
      },
    });
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    void this.#look();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Every source that was ever heard of, by name. */
  async read(): Promise<readonly SourceState[]> {
    const { rows } = await this.pool.query(
      `select source, through::text, known::text, gap_since, coalesce(extract(epoch from now() - gap_since), 0)::float as gap_seconds
       from source_progress order by source`,
    );
    return rowsSchema.parse(rows).map((row) => ({
      source: row.source,
      through: row.through,
      missing: SequenceRanges.parse(row.known)
        .missing()
        .slice(0, 100)
        .map(({ first, last }) => ({ first: first.toString(), last: last.toString() })),
      gap_since: row.gap_since?.toISOString() ?? null,
      alert: row.gap_seconds > GAP_ALERT_SECONDS,
    }));
  }

  async #look(): Promise<void> {
    try {
      this.#states = await this.read();
      const alerts = this.#states.filter(({ alert }) => alert);
      for (const { source, missing } of alerts) {
        if (!this.#alerts.some((known) => known.source === source)) {
          this.logger.error({ source, missing }, 'events of a source are missing from the trail');
        }
      }
      this.#alerts = alerts;
    } catch (error) {
      this.logger.debug({ err: error }, 'the completeness check failed; retrying in a moment');
    }
  }
}
