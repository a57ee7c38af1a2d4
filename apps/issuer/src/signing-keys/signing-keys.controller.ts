import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, TakesIdempotencyKey, ZodParam, type Caller } from '@countersign/service-host';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { keyIdSchema } from '../registry/signing-key.js';
import { SigningKeysService, type SigningKeysJson } from './signing-keys.service.js';

/** The administrator's side of signing keys: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('keys'))
@Controller('admin/keys')
@RequireScopes('issuer:admin')
export class SigningKeysController {
  constructor(@Inject(SigningKeysService) private readonly keys: SigningKeysService) {}

  /** All signing keys, newest first, removed ones too; never a private part. */
  @Get()
  list(@CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.list(caller);
  }

  /** The pending key signs from now on; the one before stays published until its tokens have expired. 409 `KEY_NOT_YET_PUBLISHED`. */
  @Post('rotate')
  @TakesIdempotencyKey({ action: 'signing-key:rotate', kind: 'signing-key' } satisfies IssuerRoute)
  @HttpCode(200)
  rotate(@CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.rotate(caller);
  }

  /** Emergency: the key leaves the JWKS and its tokens are refused everywhere. 404 `KEY_UNKNOWN`. */
  @Post(':kid/revoke')
  @TakesIdempotencyKey({ action: 'signing-key:revoke', kind: 'signing-key' } satisfies IssuerRoute)
  @HttpCode(200)
  revoke(@ZodParam('kid', keyIdSchema) kid: string, @CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.revoke(kid, caller);
  }
}
