// Injection tokens of what the host provides to every service.

/** Pino's logger of the service. */
export const LOGGER = Symbol.for('countersign.logger');
/** Prometheus's registry of the service. */
export const METRICS = Symbol.for('countersign.metrics');
/** The `HealthRegistry`. */
export const HEALTH = Symbol.for('countersign.health');
/** The clock: `() => Date`. */
export const CLOCK = Symbol.for('countersign.clock');
/** The pool of connections to the service's database. */
export const POOL = Symbol.for('countersign.pool');
/** Drizzle on that pool. */
export const DATABASE = Symbol.for('countersign.database');
/** The service's `AuditOutbox`. */
export const AUDIT_OUTBOX = Symbol.for('countersign.audit-outbox');
/** The service's `RESOURCE_URL`, or nothing. */
export const RESOURCE_URL = Symbol.for('countersign.resource-url');
/** The sessions of the service's own pages (`SessionSettings`), where a global module of the service provides them. */
export const SESSIONS = Symbol.for('countersign.sessions');
/** The beginning of the routes whose errors all have OAuth's form (RFC 6749, section 5.2), where a global module of the service provides it. */
export const OAUTH_ROUTES = Symbol.for('countersign.oauth-routes');
/** The nonces that DPoP proofs must carry, or nothing. */
export const DPOP_NONCES = Symbol.for('countersign.dpop-nonces');
