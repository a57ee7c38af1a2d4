export {
  API_KEY_LENGTH_LIMIT,
  API_KEY_PATTERN,
  API_KEY_PREFIX,
  apiKeyEnvironmentPattern,
  apiKeyHash,
  findApiKeys,
  looksLikeApiKey,
  makeApiKey,
  parseApiKey,
  withoutApiKeys,
  type ParsedApiKey,
} from './api-key/api-key.js';
export { tokenOfApiKeyCaller, type ExchangeApiKey, type ExchangedTokenVerifier } from './api-key/api-key-tokens.js';
export { createApiKeyVerifier, type ApiKeyVerifier, type ApiKeyVerifierOptions } from './api-key/api-key-verifier.js';
export { ApiKeys, DEFAULT_ROUTE_CLASS } from './api-key/api-keys.js';
export { type ApiKeyRequest, type ApiKeysOptions } from './api-key/api-keys-options.js';
export { createApiKeyExchange, type ApiKeyExchangeClientOptions } from './api-key/exchange-api-key.js';
export { limitCodeOf, limitExceeded } from './api-key/limit-exceeded.js';
export { type LimitState, type LimitStore, type NamedLeaseRequest } from './api-key/limits/limit-store.js';
export { ApiKeyLimits, type ApiKeyLimitsOptions } from './api-key/limits/api-key-limits.js';
export { limitFields } from './api-key/limits/limit-fields.js';
export { MemoryLimitStore } from './api-key/limits/memory-limit-store.js';
export { leaseFrom, type LeaseAnswer, type SharedBucket } from './api-key/limits/shared-bucket.js';
export {
  API_KEY_REPORT_SCOPE,
  ReportRefused,
  reportsOf,
  reportToIssuer,
  type IssuerReporter,
  type IssuerReporterOptions,
} from './api-key/report-to-issuer.js';
export {
  NETWORK_CHARACTERS,
  NETWORKS_OF_A_REPORT,
  USES_OF_A_REPORT,
  type ApiKeyOutcome,
  type ApiKeyUsageReport,
} from './api-key/usage.js';
export { API_KEY_LIST_LIMIT, apiKeyNamePattern, claimOfApiKey, routeClassPattern } from './jws/api-key-claim.js';
export { BoundedMap } from './bounded-map.js';
export { bearerTokenOf, credentialsOf, requireScopes, type Credentials } from './bearer-token.js';
export { signClientAssertion, type ClientAssertionOptions } from './client/client-assertion.js';
export { authorizationHeaders, type AuthorizedRequest } from './client/authorization-headers.js';
export {
  createTokenClient,
  type ExchangeRequest,
  type SubjectTokenType,
  type TokenClient,
  type TokenRequest,
} from './client/token-client.js';
export { type TokenClientOptions } from './client/token-endpoint.js';
export { isInstance, sharedByForms } from './either-form.js';
export { isPlainHttp, protectedUrl } from './endpoint.js';
export { jittered } from './jittered.js';
export { messageOf, reasonOf } from './reason.js';
export { retryAfterOf } from './client/retry-after.js';
export { TokenRequestError, type AccessToken } from './client/token-request.js';
export { type ClaimsCheck, type ClaimsSchema, type PrincipalWith } from './declared-claims.js';
export { accessTokenHash, createDpopProof, type DpopProofOptions } from './dpop/create-dpop-proof.js';
export { DpopNonces, type DpopNoncesOptions } from './dpop/dpop-nonces.js';
export { MemoryDpopReplayStore, type DpopReplayStore } from './dpop/dpop-replay-store.js';
export { verifyDpopProof, type DpopExpectation, type DpopProof } from './dpop/verify-dpop-proof.js';
export { SCOPE_LENGTH_LIMIT } from './jws/claims.js';
export { TOKEN_SIZE_LIMIT } from './jws/compact-jws.js';
export { type JsonObject } from './json-object.js';
export { jwtSigner, localSigner, signJwt, type LocalSigner, type TokenSigner } from './jws/sign.js';
export { knownAlgorithms, supportedAlgorithms, type Algorithm, type KnownAlgorithm } from './keys/algorithm.js';
export {
  generateSigningKey,
  publicJwkOf,
  thumbprintOf,
  type Jwk,
  type PrivateJwk,
  type PublicJwk,
} from './keys/jwk.js';
export {
  ACCESS_TOKEN_TYP,
  API_KEY_TOKEN_TYPE,
  CLIENT_ASSERTION_TYPE,
  DEVICE_CODE,
  JWT_BEARER,
  REQUEST_URI,
  TOKEN_EXCHANGE,
  TOKEN_LIFE_LIMIT_SECONDS,
  TOKEN_TYPE,
} from './oauth.js';
export {
  clientWide,
  isWithin,
  originatorOf,
  ownerOf,
  reachOf,
  type Originator,
  type Owner,
  type Reach,
} from './ownership.js';
export { knownProfiles, type ProfileName } from './profiles/known-profiles.js';
export { type TokenProfile } from './profiles/token-profile.js';
export {
  type Actor,
  type ApiKeyIdentity,
  type ApiKeyLimit,
  type Confirmation,
  type Principal,
  type PrincipalKind,
} from './principal.js';
export { isByTime, revokedName, revokedOf, type Revocation, type Revoked, type RevokedOf } from './revocation.js';
export { MemoryRevocationList, type RevocationList } from './revocation-list.js';
export { recentLogin, requirePerson, requireRecentLogin, type RecentLogin } from './sign-in.js';
export { TokenError, type LoginWanted } from './token-error.js';
export { tokenErrorReasons, type TokenErrorCode, type TokenErrorReason } from './token-error-reasons.js';
export { createVerifier, type TokenVerifier } from './token-verifier.js';
export {
  type DpopPresentation,
  type IssuerOptions,
  type KeysReport,
  type SeveralIssuersOptions,
  type VerifierOptions,
} from './verifier-options.js';
