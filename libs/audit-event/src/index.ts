export {
  AuditEventError,
  auditEventSchema,
  completeEvent,
  EVENT_SIZE_LIMIT,
  auditPerson,
  auditPrincipal,
  eventTypePattern,
  prefixSchema,
  sourceSchema,
  type AuditEvent,
  type AuditPrincipal,
  type EventParts,
  type UnnumberedEvent,
} from './audit-event.js';
export {
  catalogueToMarkdown,
  defineEvents,
  EventCatalogue,
  EVERY,
  type CatalogueDeclaration,
  type EventContext,
  type EventDeclaration,
  type EventDetails,
  type NewAuditEvent,
} from './catalogue.js';
export { eventColumns, plainCell } from './event-columns.js';
export { eventFilters } from './event-filters.js';
export { EVENT_DEPTH_LIMIT } from './json-depth.js';
export { eventText } from './fast/event-text.js';
export { randomHex } from './fast/random-hex.js';
export { isStorableJson, storableText } from './storable-json.js';
export { childTraceparent, isTraceparent, parseTraceparent, traceIdOf, type TraceContext } from './trace-context.js';
export { uuidv7 } from './uuidv7.js';
