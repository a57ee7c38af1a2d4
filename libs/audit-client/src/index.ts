export {
  BATCH_CONTENT_TYPE,
  BATCH_EVENT_LIMIT,
  BATCH_SIZE_LIMIT,
  batchSubject,
  packEvents,
  publishBatch,
  type BatchLimits,
  type EventBatch,
  type NumberedEvent,
} from './event-batch.js';
export { GroupCommit, type GroupCommitOptions } from './group-commit.js';
export { connectToNats, isConnected, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
export { outboxMigrations } from './outbox-migrations.js';
export { AuditOutbox, type AuditOutboxOptions } from './outbox.store.js';
export { RecentEvents } from './recent-events.store.js';
export {
  CHECKPOINT_SUBJECT,
  FIRST_INDEX_HEADER,
  KNOWN_INDEX_HEADER,
  parseRecall,
  recalledSubject,
  SALTS_HEADER,
  saltsOf,
  saltsSchema,
  lastIndexOf,
  type Recall,
  parsePlacement,
  parseReceipt,
  receiptSubject,
  type Place,
  type Placement,
  type Receipt,
  type Salts,
} from './receipts.js';
export { RELAY_PACE_MS, startRelay, type Relay, type RelayOptions, type RelayState } from './relay.js';
export { ALL_REPORTS, parseReport, reportSubject, type SourceReport } from './source-report.js';
export { type DrizzleExecutor, type PrismaExecutor, type QueryExecutor, type SqlExecutor } from './sql-executor.js';
export { auditStream, deadLetterStream, ensureAuditStreams, subjectOf, type StreamSettings } from './streams.js';
