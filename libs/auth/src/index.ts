export { AuthModule, type AuthModuleAsyncOptions } from './auth.module.js';
export { TOKEN_VERIFIER, type AuthSettings } from './auth.settings.js';
export {
  BearerToken,
  CurrentPrincipal,
  Public,
  requiredScopes,
  RequireScopes,
  routeNeeds,
  type RouteNeeds,
} from './decorators.js';
export { type Refusal, type RefusalCode, type RefusalListener } from './refusal.js';
export { type Principal } from '@countersign/auth-core';
