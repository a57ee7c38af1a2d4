export {
  BATCH_EVENT_LIMIT,
  BATCH_SIZE_LIMIT,
  batchSubject,
  packEvents,
  publishBatch,
  type BatchLimits,
  type EventBatch,
  type NumberedEvent,
} from './event-batch.js';
export { connectToNats, isConnected, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
export { outboxMigrations } from './outbox-migrations.js';
export { AuditOutbox, OUTBOX_COUNT_LIMIT, type AuditOutboxOptions, type WaitingEvents } from './outbox.store.js';
export { RecentEvents } from './recent-events.store.js';
export {
  CHECKPOINT_SUBJECT,
  FIRST_INDEX_HEADER,
  KNOWN_INDEX_HEADER,
  recalledSubject,
  SALTS_HEADER,
  saltsOf,
  saltsSchema,
  lastIndexOf,
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
export { auditStream, ensureAuditStreams, type StreamSettings } from './streams.js';
