/** Injection tokens of what the host provides to every service. */
export const LOGGER = Symbol('countersign.logger');
export const METRICS = Symbol('countersign.metrics');
export const HEALTH = Symbol('countersign.health');
export const CLOCK = Symbol('countersign.clock');
export const POOL = Symbol('countersign.pool');
export const DATABASE = Symbol('countersign.database');
export const AUDIT_OUTBOX = Symbol('countersign.audit-outbox');
/** The service's `RESOURCE_URL`, or nothing. */
export const RESOURCE_URL = Symbol('countersign.resource-url');
/** The sessions of the service's own pages (`SessionSettings`), where a global module of the service provides them. */
export const SESSIONS = Symbol('countersign.sessions');
/** The nonces that DPoP proofs must carry, or nothing. */
export const DPOP_NONCES = Symbol('countersign.dpop-nonces');
