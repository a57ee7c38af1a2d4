import { type Provider, type Type } from '@nestjs/common';
import { IdTokens } from './id-tokens.service.js';
import { UserInfoController } from './userinfo.controller.js';
import { UserInfo } from './userinfo.service.js';

/** OpenID Connect for applications, for the issuer's module. */
export const openidProviders: readonly Provider[] = [IdTokens, UserInfo];
export const openidControllers: readonly Type[] = [UserInfoController];
