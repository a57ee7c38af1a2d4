export {
  createAuditProbe,
  type AuditProbe,
  type AuditProbeOptions,
  type EventMatch,
  type RefusalSeen,
} from './audit-probe.js';
export { badTokens, type BadToken } from './bad-tokens.js';
export {
  eventFaults,
  outboxData,
  outboxFaults,
  outboxKinds,
  type JudgingCatalogue,
  type OutboxDatabase,
} from './event-faults.js';
export { createFakeClock, type FakeClock } from './fake-clock.js';
export { countersignMatchers } from './matchers.js';
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TestTokenOptions } from './test-issuer.js';
export { type TokenRequestSeen } from './token-endpoint.js';
export { readEventsPage, type EventsPage } from './events-page.js';
