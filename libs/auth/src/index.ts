export { AuthModule, type AuthModuleAsyncOptions } from './auth.module.js';
export { TOKEN_VERIFIER, type AuthSettings } from './auth.settings.js';
export { type AccessTokenVerifier, type BearerVerification, type ClientCertificate } from './verification.js';
export { peerCertificate } from './peer-certificate.js';
export { CREDENTIALS, type Credential } from './credentials/credential.js';
export { cookieOf, isFromOwnPage, type SessionSettings } from './credentials/session.js';
export { bindHandshake, bindToken, principalOf, type Carrier, type CarrierKind } from './carrier.js';
export {
  ActingFor,
  AllowApiKey,
  Authorize,
  BearerToken,
  callerTokenOf,
  CurrentPrincipal,
  delegationOf,
  Public,
  RequireAnyScope,
  RequirePerson,
  RequireRecentLogin,
  RequireScopes,
  verifiedPrincipal,
  type Delegation,
} from './decorators.js';
export { API_KEYS, type ApiKeySettings } from './api-keys.js';
export { assertOpenRoutes } from './open-routes.js';
export { OutgoingModule, type OutgoingModuleAsyncOptions, type OutgoingSettings } from './outgoing/outgoing.module.js';
export { type CircuitLimits, type CircuitState } from './outgoing/circuit-breaker.js';
export { type Answered, type Failed, type ServiceAnswer, type ServiceCall } from './outgoing/service-call.js';
export { ServiceCalls, type ServiceCallsOptions } from './outgoing/service-calls.js';
export { childTraceparent } from '@countersign/audit-event/trace-context';
export { parsedBody, type Transport, type TransportAnswer, type TransportRequest } from './outgoing/transport.js';
export { type Policy, type PolicyRequest, type PolicyVerdict } from './policy.js';
export { type ProtectedResourceMetadata } from './protected-resource.js';
export { type Refusal, type RefusalCode, type RefusalListener } from './refusal.js';
export { requestTurns, type RequestTurns } from './request-turns.js';
export { describeWho, routeNeeds, type RouteNeeds } from './route-needs.js';
export { RouteReport, type Route, type RouteKind } from './route-report.service.js';
export { type Principal, type PrincipalWith } from '@countersign/auth-core';
