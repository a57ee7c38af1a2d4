import { type Provider } from '@nestjs/common';
import { ApiKeyAuthentication } from '../api-keys/api-key-authentication.service.js';
import { ApiKeyChanges } from './api-key-changes.service.js';
import { ApiKeyTrail } from './api-key-trail.service.js';
import { NewApiKeys } from './new-api-keys.service.js';
import { ApiKeyReportsController } from './api-key-reports.controller.js';
import { ApiKeyUsageService } from './api-key-usage.service.js';
import { ApiKeyUsageStore } from './api-key-usage.store.js';
import { ApiKeyExpiry } from './api-key-expiry.service.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { ApiKeyUses } from '../api-keys/api-key-uses.service.js';
import { API_KEY_SETTINGS, type ApiKeySettings } from '../api-keys/new-api-key.js';
import { PLANS, readPlansFile } from '../api-keys/plan.js';

export const apiKeyControllers = [ApiKeysController, ApiKeyReportsController];

/** The providers of API keys, for the issuer's module. @param plansFile PLANS_FILE */
export function apiKeyProviders(settings: ApiKeySettings, plansFile: string | undefined): Provider[] {
  return [
    { provide: API_KEY_SETTINGS, useValue: settings },
    { provide: PLANS, useFactory: () => readPlansFile(plansFile) },
    ApiKeysStore,
    ApiKeysService,
    ApiKeyTrail,
    NewApiKeys,
    ApiKeyChanges,
    ApiKeyExpiry,
    ApiKeyUses,
    ApiKeyUsageStore,
    ApiKeyUsageService,
    ApiKeyAuthentication,
  ];
}
