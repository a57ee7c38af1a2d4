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
export { migrateService, type MigrationSettings } from './migrate.js';
export { ConfigurationError, loadConfiguration } from './load-configuration.js';
export { clientKeyVariable, jsonVariable, privateJwkSchema, signingKeySchema, webKeyOf } from './client-key.js';
export { tryLock, waitForLock, withAdvisoryLock } from './database/advisory-lock.js';
export { deleteInPortions } from './database/delete-in-portions.js';
export {
  clientConfigOf,
  databaseOf,
  issuerOf,
  natsOf,
  type DatabaseConnection,
  type TlsDemand,
} from './database/connection-settings.js';
export { PostgresLimitStore } from './api-keys/api-key-limits.store.js';
export { ApiKeysModule, type ApiKeyClient, type ApiKeysModuleOptions } from './api-keys/api-keys.module.js';
export { AuditTrailModule, type AuditTrailOptions } from './trail/audit-trail.module.js';
export { Background, type BackgroundHandle, type BackgroundTask } from './background.service.js';
export { by, byItself, byNobody, CurrentCaller, unattended, type Caller, type Unattended } from './trail/caller.js';
export { openText, sealText } from './sealed-text.js';
export { inTransaction } from './database/transaction.js';
export { limitStatements } from './database/statement-limit.js';
export { drizzleOn } from './database/drizzle-on-pool.js';
export {
  DatabaseModule,
  openDatabase,
  type Database,
  type DatabaseOptions,
  type Transaction,
} from './database/database.module.js';
export { PostgresDpopReplayStore } from './credentials/dpop-replay.store.js';
export { millisecondsOf, timeOfMilliseconds } from './database/milliseconds-of.js';
export { Groups, groupedLookUp, Later, type GroupsOptions, type Served } from './database/groups.js';
export { HealthRegistry, type HealthCheck, type HealthReport } from './health/health.js';
export { sourceReportOf, thisReplica } from './trail/source-report.js';
export {
  IDEMPOTENCY_KEPT_HOURS,
  fingerprintOf,
  idempotencyInFlight,
  idempotencyKeyReused,
  idempotencyKeySchema,
  parseIdempotencyKey,
  type IdempotencyKey,
} from './requests/idempotency-key.js';
export {
  KeyedAnswers,
  keyedAnswers,
  type AnswerSeal,
  type KeyedEvents,
  type KeyedRoute,
} from './idempotency/keyed-answers.service.js';
export { keyedAnswerTable } from './idempotency/keyed-answers.tables.js';
export { TakesIdempotencyKey } from './idempotency/keyed-route.js';
export { OpenApi } from './openapi/openapi-decorators.js';
export { networkOf } from './trace/peer-address.js';
export { parseJsonBody } from './requests/json-body.js';
export { AcceptsForm } from './requests/media-type.js';
export { pageOf, type Page } from './requests/page.js';
export { pathOfOddText, TEXT_RULE } from './requests/plain-text.js';
export { databaseReasonOf, sqlStateOf } from './problems/database-fault.js';
export { OAuthError, Problem, problemOf, type ProblemDocument } from './problems/problem.js';
export { ProblemFilter } from './problems/problem.filter.js';
export { withinReach, type OwnerColumns } from './reach.js';
export { nothingToRecord, Unrecorded } from './trail/recorded-answers.guard.js';
export { auditRequest, Trace, traceOf, txnOf, type RequestTrace } from './trace/request-trace.js';
export { idSchema, timeBoundSchema, timeThroughSchema } from './requests/request-values.js';
export { ResourceServerModule, type OwnAuthOptions, type ResourceServerOptions } from './resource-server.module.js';
export { revocationFeedSettings, type RevocationFeedSettings } from './credentials/revocations.module.js';
export { SchemaPipe, ZodBody, ZodParam, ZodQuery } from './requests/schema-parameters.js';
export { REFUSAL_LIMIT_PER_MINUTE, Refusals, type RefusalsOptions } from './trail/refusals.service.js';
export { ServiceAuthModule, type ServiceAuthOptions } from './credentials/service-auth.module.js';
export { BODY_LIMIT, createService, startService, type ServiceOptions } from './start/start-service.js';
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
  OAUTH_ROUTES,
  SESSIONS,
} from './tokens.js';
