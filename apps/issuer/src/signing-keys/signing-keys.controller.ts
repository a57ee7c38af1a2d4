import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { OpenApi, Trace, ZodParam, type RequestTrace } from '@countersign/service-host';
import { keyIdSchema } from './signing-key.js';
import { SigningKeysService, type SigningKeysJson } from './signing-keys.service.js';

/** The administrator's side of signing keys: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('keys'))
@Controller('admin/keys')
@RequireScopes('issuer:admin')
export class SigningKeysController {
  constructor(@Inject(SigningKeysService) private readonly keys: SigningKeysService) {}

  /** All signing keys, newest first, removed ones too; never a private part. */
  @Get()
  list(@CurrentPrincipal() caller: Principal, @Trace() trace: RequestTrace): Promise<SigningKeysJson> {
    return this.keys.list({ caller, trace });
  }

  /** The pending key signs from now on; the one before stays published until its tokens have expired. 409 `KEY_NOT_YET_PUBLISHED`. */
  @Post('rotate')
  @HttpCode(200)
  rotate(@CurrentPrincipal() caller: Principal, @Trace() trace: RequestTrace): Promise<SigningKeysJson> {
    return this.keys.rotate({ caller, trace });
  }

  /** Emergency: the key leaves the JWKS and its tokens are refused everywhere. 404 `KEY_UNKNOWN`. */
  @Post(':kid/revoke')
  @HttpCode(200)
  revoke(
    @ZodParam('kid', keyIdSchema) kid: string,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<SigningKeysJson> {
    return this.keys.revoke(kid, { caller, trace });
  }
}
