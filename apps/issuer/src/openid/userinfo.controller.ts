import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequirePerson, RequireScopes } from '@countersign/auth';
import { type JsonObject } from '@countersign/auth-core';
import { AcceptsForm, CurrentCaller, OpenApi, type Caller } from '@countersign/service-host';
import { UserInfo } from './userinfo.service.js';

/** Who a person is, for an application that the person allowed to know (OpenID Connect Core, section 5.3). */
@OpenApi(({ ApiTags }) => ApiTags('oauth2'))
@Controller('oauth2/userinfo')
@RequireScopes('openid')
@RequirePerson()
export class UserInfoController {
  constructor(@Inject(UserInfo) private readonly userInfo: UserInfo) {}

  /** `sub`, and the claims of the scopes `profile` and `email`. The token must be for the issuer, that is, requested with identity scopes only. */
  @Get()
  read(@CurrentCaller() caller: Caller): Promise<JsonObject> {
    return this.userInfo.read(caller);
  }

  /** The same; the token is in the `Authorization` header here too. A form may be sent, but is not read. */
  @Post()
  @AcceptsForm()
  @HttpCode(200)
  post(@CurrentCaller() caller: Caller): Promise<JsonObject> {
    return this.userInfo.read(caller);
  }
}
