import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import {
  CurrentCaller,
  idSchema,
  OpenApi,
  TakesIdempotencyKey,
  ZodBody,
  ZodParam,
  ZodQuery,
  type Caller,
} from '@countersign/service-host';
import { type ApiKeyJson } from '../api-keys/api-key.js';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { ApiKeyChanges } from './api-key-changes.service.js';
import {
  apiKeysQuerySchema,
  lookupSchema,
  newApiKeySchema,
  reasonSchema,
  rotationSchema,
  type ApiKeysQuery,
  type Lookup,
  type NewApiKey,
  type Reason,
  type Rotation,
} from './api-key-requests.js';
import { apiKeyUsageQuerySchema, type ApiKeyUsageQuery } from './api-key-usage.js';
import { ApiKeyUsageService, type ApiKeyUsageJson } from './api-key-usage.service.js';
import { NewApiKeys, type NewApiKeyJson } from './new-api-keys.service.js';
import { ApiKeysService, type ApiKeyPage, type FoundApiKeyJson } from './api-keys.service.js';

/** The administrator's side of API keys: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('api-keys'))
@Controller('admin/api-keys')
@RequireScopes('issuer:admin')
export class ApiKeysController {
  constructor(
    @Inject(ApiKeysService) private readonly keys: ApiKeysService,
    @Inject(NewApiKeys) private readonly making: NewApiKeys,
    @Inject(ApiKeyChanges) private readonly changes: ApiKeyChanges,
    @Inject(ApiKeyUsageService) private readonly uses: ApiKeyUsageService,
  ) {}

  /**
   * API keys, newest first, of all clients or of one; `limit` a page (1 to 200), continue with `next_cursor`. With `ends_before` those that are
   * live and expire before that time, earliest first.
   */
  @Get()
  list(@ZodQuery(apiKeysQuerySchema) query: ApiKeysQuery, @CurrentCaller() caller: Caller): Promise<ApiKeyPage> {
    return this.keys.list(query, caller);
  }

  /**
   * Creates an API key for a client, within its policy. 201 with the key, shown only once. 404 `CLIENT_UNKNOWN`; 409 `CLIENT_DISABLED`,
   * `API_KEY_EXISTS` (a live one has the name: rotate it), `API_KEYS_LIMIT`; 422 `POLICY_EXCEEDED`, `PLAN_UNKNOWN`, `EXPIRY_INVALID`.
   */
  @Post()
  @TakesIdempotencyKey({ action: 'api-key:create', kind: 'api-key' } satisfies IssuerRoute)
  create(@ZodBody(newApiKeySchema) wanted: NewApiKey, @CurrentCaller() caller: Caller): Promise<NewApiKeyJson> {
    return this.making.create(wanted, caller);
  }

  /** Which of the keys that somebody found are keys of this issuer, by id and SHA-256, and whether they still work. At most 1,000. */
  @Post('lookup')
  @HttpCode(200)
  async lookup(
    @ZodBody(lookupSchema) wanted: Lookup,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly keys: readonly FoundApiKeyJson[] }> {
    return { keys: await this.keys.lookup(wanted, caller) };
  }

  /** One API key, without its secret. 404 `API_KEY_UNKNOWN`. */
  @Get(':id')
  read(@ZodParam('id', idSchema) id: string, @CurrentCaller() caller: Caller): Promise<ApiKeyJson> {
    return this.keys.read(id, caller);
  }

  /** How often a key was used, by hour, audience, route class and outcome; the last day, or `from` to `to`, at most 62 days. 404 `API_KEY_UNKNOWN`. */
  @Get(':id/usage')
  usage(
    @ZodParam('id', idSchema) id: string,
    @ZodQuery(apiKeyUsageQuerySchema) query: ApiKeyUsageQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<ApiKeyUsageJson> {
    return this.uses.usage(id, query, caller);
  }

  /**
   * Creates a successor with the same name and rights, shown only once; the current key keeps working for `grace_seconds` (a day when left out, at most
   * 30 days, 0 ends it now). 404 `API_KEY_UNKNOWN`; 409 `API_KEY_ENDED`, `API_KEY_DISABLED` (enable it first), `API_KEY_ROTATED`, `API_KEY_EXISTS`,
   * `API_KEYS_LIMIT`; 422 `EXPIRY_INVALID`.
   */
  @Post(':id/rotate')
  @TakesIdempotencyKey({ action: 'api-key:rotate', kind: 'api-key' } satisfies IssuerRoute)
  rotate(
    @ZodParam('id', idSchema) id: string,
    @ZodBody(rotationSchema) rotation: Rotation,
    @CurrentCaller() caller: Caller,
  ): Promise<NewApiKeyJson> {
    return this.making.rotate(id, rotation, caller);
  }

  /** Refuses the key, and the tokens it was exchanged for, until it is enabled again. 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED`. */
  @Post(':id/disable')
  @TakesIdempotencyKey({ action: 'api-key:disable', kind: 'api-key' } satisfies IssuerRoute)
  @HttpCode(200)
  disable(
    @ZodParam('id', idSchema) id: string,
    @ZodBody(reasonSchema) { reason }: Reason,
    @CurrentCaller() caller: Caller,
  ): Promise<ApiKeyJson> {
    return this.changes.disable(id, reason, caller);
  }

  /** Lets a disabled key work again. 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED`. */
  @Post(':id/enable')
  @TakesIdempotencyKey({ action: 'api-key:enable', kind: 'api-key' } satisfies IssuerRoute)
  @HttpCode(200)
  enable(
    @ZodParam('id', idSchema) id: string,
    @ZodBody(reasonSchema) { reason }: Reason,
    @CurrentCaller() caller: Caller,
  ): Promise<ApiKeyJson> {
    return this.changes.enable(id, reason, caller);
  }

  /** Refuses the key permanently, at every service as soon as the feed has delivered it. 404 `API_KEY_UNKNOWN`. */
  @Post(':id/revoke')
  @TakesIdempotencyKey({ action: 'api-key:revoke', kind: 'api-key' } satisfies IssuerRoute)
  @HttpCode(200)
  revoke(
    @ZodParam('id', idSchema) id: string,
    @ZodBody(reasonSchema) { reason }: Reason,
    @CurrentCaller() caller: Caller,
  ): Promise<ApiKeyJson> {
    return this.changes.revoke(id, reason, caller);
  }
}
