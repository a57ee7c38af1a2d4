export {
  AuditEventError,
  auditEventSchema,
  completeEvent,
  EVENT_SIZE_LIMIT,
  principalOf,
  sourceSchema,
  type AuditEvent,
  type AuditPrincipal,
  type NewAuditEvent,
  type UnnumberedEvent,
} from './audit-event.js';
export { eventColumns, plainCell } from './event-columns.js';
export { GroupCommit, type GroupCommitOptions } from './group-commit.js';
export { connectToNats, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
export { AuditOutbox, type AuditOutboxOptions, type SqlExecutor } from './outbox.store.js';
export { randomHex } from './random-hex.js';
export { CHECKPOINT_SUBJECT, parseReceipt, receiptSubject, type Receipt } from './receipts.js';
export { startRelay, type Relay, type RelayOptions, type RelayState } from './relay.js';
export { isStorableJson } from './storable-json.js';
export { auditStream, deadLetterStream, ensureAuditStreams, subjectOf } from './streams.js';
export { uuidv7 } from './uuidv7.js';
