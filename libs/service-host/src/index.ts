export {
  databaseVariables,
  hostVariables,
  issuerVariables,
  migrationVariables,
  natsVariables,
  resourceServerVariables,
  revocationVariables,
  type HostConfiguration,
} from './configuration.js';
export { ConfigurationError, loadConfiguration } from './load-configuration.js';
export { clientKeyVariable, jsonVariable, signingKeySchema } from './client-key.js';
export { withAdvisoryLock } from './advisory-lock.js';
export {
  clientConfigOf,
  databaseOf,
  issuerOf,
  natsOf,
  type DatabaseConnection,
  type TlsDemand,
} from './connection-settings.js';
export { PostgresLimitStore } from './api-key-limits.store.js';
export { ApiKeysModule, type ApiKeyClient, type ApiKeysModuleOptions } from './api-keys.js';
export { AuditTrailModule, type AuditTrailOptions } from './audit-trail.js';
export { Background, type BackgroundHandle, type BackgroundTask } from './background.js';
export { by, byItself, byNobody, CurrentCaller, unattended, type Caller, type Unattended } from './caller.js';
export { openText, sealText } from './sealed-text.js';
export { inTransaction } from './transaction.js';
export { drizzleOn } from './drizzle-on-pool.js';
export { DatabaseModule, openDatabase, type Database, type DatabaseOptions, type Transaction } from './database.js';
export { PostgresDpopReplayStore } from './dpop-replay.store.js';
export { millisecondsOf } from './milliseconds-of.js';
export { Groups, groupedLookUp, Later, type GroupsOptions, type Served } from './groups.js';
export { HealthRegistry, type HealthCheck, type HealthReport } from './health.js';
export {
  IDEMPOTENCY_KEPT_HOURS,
  fingerprintOf,
  idempotencyInFlight,
  idempotencyKeyReused,
  idempotencyKeySchema,
  parseIdempotencyKey,
  type IdempotencyKey,
} from './idempotency-key.js';
export {
  KeyedAnswers,
  keyedAnswers,
  type AnswerSeal,
  type KeyedEvents,
  type KeyedRoute,
} from './keyed-answers.service.js';
export { keyedAnswerTable } from './keyed-answers.tables.js';
export { TakesIdempotencyKey } from './keyed-route.js';
export { OpenApi } from './openapi-decorators.js';
export { addressOf, networkOf } from './peer-address.js';
export { parseJsonBody } from './json-body.js';
export { AcceptsForm } from './media-type.js';
export { pathOfOddText, TEXT_RULE } from './plain-text.js';
export { OAuthError, Problem, problemOf, type ProblemDocument } from './problem.js';
export { ProblemFilter } from './problem.filter.js';
export { withinReach, type OwnerColumns } from './reach.js';
export { Unrecorded } from './recorded-answers.js';
export { auditRequest, markRecorded, Trace, traceOf, type RequestTrace } from './request-trace.js';
export { idSchema, timeBoundSchema, timeThroughSchema } from './request-values.js';
export { ResourceServerModule, type ResourceServerOptions } from './resource-server.js';
export { revocationFeedSettings, type RevocationFeedSettings } from './revocations.js';
export { SchemaPipe, ZodBody, ZodParam, ZodQuery } from './schema-parameters.js';
export { REFUSAL_LIMIT_PER_MINUTE, Refusals, type RefusalsOptions } from './refusals.service.js';
export { ServiceAuthModule, type ServiceAuthOptions } from './service-auth.js';
export { BODY_LIMIT, createService, startService, type ServiceOptions } from './start-service.js';
export {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  DPOP_NONCES,
  HEALTH,
  LOGGER,
  METRICS,
  POOL,
  RESOURCE_URL,
  SESSIONS,
} from './tokens.js';
