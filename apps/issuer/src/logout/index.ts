import { type Provider, type Type } from '@nestjs/common';
import { EndSessionController } from './end-session.controller.js';
import { EndSessionRequests } from './end-session-requests.service.js';
import { IdTokenHints } from './id-token-hint.service.js';
import { ProviderLogoutController } from './provider-logout.controller.js';
import { ProviderReturnController } from './provider-return.controller.js';
import { ProviderSignOut } from './provider-sign-out.service.js';
import { ProviderSignOutsStore } from './provider-sign-outs.store.js';
import { ProviderLogout } from './provider-logout.service.js';

export const logoutControllers: readonly Type[] = [
  EndSessionController,
  ProviderLogoutController,
  ProviderReturnController,
];
/** Signing out, here and at the outside providers. */
export const logoutProviders: readonly Provider[] = [
  IdTokenHints,
  EndSessionRequests,
  ProviderLogout,
  ProviderSignOutsStore,
  ProviderSignOut,
];
