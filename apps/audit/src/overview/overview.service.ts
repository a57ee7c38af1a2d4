import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, HEALTH, sourceReportOf, type HealthRegistry } from '@countersign/service-host';
import { EventsStore } from '../events/events.store.js';
import { CompletenessService } from '../intake/completeness.service.js';
import { DeadLetterStore } from '../intake/dead-letters.store.js';
import { LogStore } from '../log/log.store.js';
import { PostingsStore } from '../postings/postings.store.js';
import { RETENTION_OPTIONS, type RetentionOptions } from '../retention/retention.service.js';
import { RetentionStore } from '../retention/retention.store.js';
import { SourceReportsService } from '../source-reports/source-reports.service.js';
import { withTimes, type LogOverview, type Overview } from './overview.js';

/** Reports the health of the trail in one response. */
@Injectable()
export class OverviewService {
  constructor(
    @Inject(CompletenessService) private readonly completeness: CompletenessService,
    @Inject(DeadLetterStore) private readonly letters: DeadLetterStore,
    @Inject(EventsStore) private readonly events: EventsStore,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(RetentionStore) private readonly retention: RetentionStore,
    @Inject(RETENTION_OPTIONS) private readonly options: RetentionOptions,
    @Inject(SourceReportsService) private readonly reports: SourceReportsService,
    @Inject(HEALTH) private readonly health: HealthRegistry,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async read(): Promise<Overview> {
    const [states, steps, letters, log, kept, replica] = await Promise.all([
      this.completeness.read(),
      this.events.sources(),
      this.letters.waiting(),
      this.#log(),
      this.retention.state(),
      this.health.report(),
    ]);
    const at = this.clock().toISOString();
    return {
      at,
      sources: withTimes(states, steps),
      reports: { ...this.reports.read(), own: { source: 'audit', ...sourceReportOf(replica), heard_at: at } },
      dead_letters: letters,
      log,
      retention: { days: this.options.days ?? null, ...kept },
      replica,
    };
  }

  async #log(): Promise<LogOverview> {
    const [size, { through }, newest] = await Promise.all([
      this.events.size(),
      this.postings.prepare([]),
      this.log.newestSigned(),
    ]);
    return {
      size: size.toString(),
      covered: (newest?.treeSize ?? 0).toString(),
      indexed: through.toString(),
      signed_at: newest?.signedAt.toISOString() ?? null,
    };
  }
}
