import { Module, type DynamicModule } from '@nestjs/common';
import { natsOf, ResourceServerModule } from '@countersign/service-host';
import { type Configuration } from './configuration.js';
import { CallsController } from './calls/calls.controller.js';
import { CallsService } from './calls/calls.service.js';
import { CallsStore } from './calls/calls.store.js';
import { consoleOf } from './console/console-options.js';
import { ConsoleModule } from './console/console.module.js';
import { DeparturesController } from './departures/departures.controller.js';
import { Departures } from './departures/departures.service.js';
import { DeparturesStore } from './departures/departures.store.js';
import { EventsController } from './events/events.controller.js';
import { EventSummaryService } from './events/event-summary.service.js';
import { EventsService } from './events/events.service.js';
import { ExportController } from './events/export.controller.js';
import { ExportService } from './events/export.service.js';
import { LogGrowth } from './events/log-growth.service.js';
import { TokenWatch } from './events/token-watch.service.js';
import { TailController } from './events/tail.controller.js';
import { TailService } from './events/tail.service.js';
import { EventsStore } from './events/events.store.js';
import { INTAKE_OPTIONS, IntakeService, type IntakeOptions } from './intake/intake.service.js';
import { IntakeLoad } from './intake/intake-load.service.js';
import { IntakeStore } from './intake/intake.store.js';
import { EVENT_MASKING, EventMasking } from './masking/event-masking.js';
import { MaskedValuesController } from './personal-data/masked-values.controller.js';
import { MaskedValuesService } from './personal-data/masked-values.service.js';
import { MaskedValuesStore } from './masking/masked-values.store.js';
import { PostingsCounts } from './postings/postings-counts.store.js';
import { PostingsService } from './postings/postings.service.js';
import { PostingsStore } from './postings/postings.store.js';
import { CompletenessService } from './intake/completeness.service.js';
import { CompletenessStore } from './intake/completeness.store.js';
import { DEAD_LETTERS_OPTIONS, DeadLettersAgingService } from './intake/dead-letters-aging.service.js';
import { GapsService } from './intake/gaps.service.js';
import { GapsStore } from './intake/gaps.store.js';
import { DeadLettersService } from './intake/dead-letters.service.js';
import { DeadLetterStore } from './intake/dead-letters.store.js';
import { IntakeController } from './intake/intake.controller.js';
import { RETENTION_OPTIONS, RetentionService, type RetentionOptions } from './retention/retention.service.js';
import { RetentionStore } from './retention/retention.store.js';
import { SEGMENT_EVENTS } from './retention/segment.js';
import { INTEGRATION_OPTIONS, IntegrationService, type IntegrationOptions } from './integration/integration.service.js';
import { IntegrationController } from './integration/integration.controller.js';
import { RecoveryController } from './recovery/recovery.controller.js';
import { OutsideEvidence, RECOVERY_OPTIONS } from './recovery/outside-evidence.service.js';
import { RecoveryService } from './recovery/recovery.service.js';
import { RecoveryStore } from './recovery/recovery.store.js';
import { LogController } from './log/log.controller.js';
import {
  CHECKPOINT_THINNING_OPTIONS,
  CheckpointThinningService,
  type CheckpointThinningOptions,
} from './log/checkpoint-thinning.service.js';
import { CheckpointThinningStore } from './log/checkpoint-thinning.store.js';
import { LOG_SIGNERS, logSignersOf } from './log/log-signer.js';
import { KNOWN_INDEX_KEYS, knownIndexKeysOf } from './recovery/known-index.js';
import { LogKeysStore } from './log/log-keys.store.js';
import { LogService } from './log/log.service.js';
import { LogReach } from './log/log-reach.js';
import { LogStore } from './log/log.store.js';
import { NewestEventsController } from './events/newest-events.controller.js';
import { NewestEvents } from './events/newest-events.service.js';
import { OverviewController } from './overview/overview.controller.js';
import { OverviewService } from './overview/overview.service.js';
import { SourceReportsService } from './source-reports/source-reports.service.js';

/** The trail: intake from the stream, and reading. Reads are recorded as events too. */
@Module({})
export class AuditModule {
  static forRoot(configuration: Configuration): DynamicModule {
    const nats = natsOf(configuration);
    const { STREAM_REPLICAS: replicas, STREAM_MAX_MIB: mebibytes, STREAM_MAX_AGE_HOURS: hours } = configuration;
    const intake: IntakeOptions = {
      nats,
      streams: {
        replicas,
        maxBytes: mebibytes === undefined ? undefined : mebibytes * 1024 ** 2,
        maxAgeSeconds: hours === undefined ? undefined : hours * 3_600,
      },
    };
    const integration: IntegrationOptions = { nats, intervalMs: configuration.LOG_INTERVAL_MS };
    const thinning: CheckpointThinningOptions = {
      fullHours: configuration.LOG_CHECKPOINTS_FULL_HOURS,
      hourlyDays: configuration.LOG_CHECKPOINTS_HOURLY_DAYS,
    };
    const retention: RetentionOptions = {
      days: configuration.RETENTION_DAYS,
      directory: configuration.RETENTION_DIRECTORY,
      segmentEvents: SEGMENT_EVENTS,
    };
    const pages = consoleOf(configuration);
    return {
      module: AuditModule,
      imports: [
        ...(pages === undefined ? [] : [ConsoleModule.forRoot(pages)]),
        ResourceServerModule.forRoot({
          name: 'audit',
          configuration,
          migrations: new URL('../migrations', import.meta.url),
        }),
      ],
      controllers: [
        ExportController,
        CallsController,
        TailController,
        NewestEventsController,
        DeparturesController,
        EventsController,
        RecoveryController,
        LogController,
        IntegrationController,
        IntakeController,
        OverviewController,
        MaskedValuesController,
      ],
      providers: [
        { provide: INTAKE_OPTIONS, useValue: intake },
        { provide: EVENT_MASKING, useValue: new EventMasking(configuration.MASKED_FIELDS) },
        IntakeStore,
        IntakeLoad,
        SourceReportsService,
        IntakeService,
        CompletenessStore,
        CompletenessService,
        GapsStore,
        GapsService,
        DeadLetterStore,
        { provide: DEAD_LETTERS_OPTIONS, useValue: { days: configuration.DEAD_LETTER_DAYS } },
        DeadLettersAgingService,
        DeadLettersService,
        PostingsStore,
        PostingsService,
        EventsStore,
        DeparturesStore,
        Departures,
        { provide: LOG_SIGNERS, useValue: logSignersOf(configuration) },
        { provide: KNOWN_INDEX_KEYS, useValue: knownIndexKeysOf(configuration) },
        { provide: INTEGRATION_OPTIONS, useValue: integration },
        LogReach,
        LogStore,
        {
          provide: RECOVERY_OPTIONS,
          useValue: { nats, replicas: configuration.STREAM_REPLICAS, keepHours: configuration.OUTBOX_KEEP_HOURS },
        },
        RecoveryStore,
        OutsideEvidence,
        RecoveryService,
        LogKeysStore,
        IntegrationService,
        { provide: CHECKPOINT_THINNING_OPTIONS, useValue: thinning },
        CheckpointThinningStore,
        CheckpointThinningService,
        LogService,
        { provide: RETENTION_OPTIONS, useValue: retention },
        RetentionStore,
        RetentionService,
        PostingsCounts,
        EventsService,
        NewestEvents,
        OverviewService,
        CallsStore,
        CallsService,
        EventSummaryService,
        ExportService,
        LogGrowth,
        TokenWatch,
        TailService,
        MaskedValuesStore,
        MaskedValuesService,
      ],
    };
  }
}
