import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, TakesIdempotencyKey, ZodParam, type Caller } from '@countersign/service-host';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { keyIdSchema } from '../registry/signing-key.js';
import { RevocationKeysService } from './revocation-keys.service.js';
import { type SigningKeysJson } from './signing-keys.service.js';

/** The administrator's side of the keys that sign what is revoked: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('keys'))
@Controller('admin/revocation-keys')
@RequireScopes('issuer:admin')
export class RevocationKeysController {
  constructor(@Inject(RevocationKeysService) private readonly keys: RevocationKeysService) {}

  /** All revocation keys, newest first, removed ones too; never a private part. */
  @Get()
  list(@CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.list(caller);
  }

  /** The pending key signs from now on, and what is revoked is signed again. 409 `KEY_NOT_YET_PUBLISHED`. */
  @Post('rotate')
  @TakesIdempotencyKey({ action: 'revocation-key:rotate', kind: 'revocation-key' } satisfies IssuerRoute)
  @HttpCode(200)
  rotate(@CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.rotate(caller);
  }

  /** Emergency: the key leaves its JWKS, and the pending one signs the whole list again. 404 `KEY_UNKNOWN`. */
  @Post(':kid/revoke')
  @TakesIdempotencyKey({ action: 'revocation-key:revoke', kind: 'revocation-key' } satisfies IssuerRoute)
  @HttpCode(200)
  revoke(@ZodParam('kid', keyIdSchema) kid: string, @CurrentCaller() caller: Caller): Promise<SigningKeysJson> {
    return this.keys.revoke(kid, caller);
  }
}
