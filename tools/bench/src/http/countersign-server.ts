import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AllowApiKey, AuthModule, Public, requestTurns, RequireScopes } from '@countersign/auth';
import { parseApiKey, publicJwkOf, signJwt } from '@countersign/auth-core';
import { announce, AUDIENCE, ISSUER, keyFromEnvironment, SCOPE } from './settings.js';

@Controller()
class OrdersController {
  @Get('public')
  @Public()
  open(): object {
    return { id: 7 };
  }

  @Get('with-key')
  @AllowApiKey()
  @RequireScopes(SCOPE)
  withKey(): object {
    return { id: 7 };
  }

  @Get('protected')
  @RequireScopes(SCOPE)
  closed(): object {
    return { id: 7 };
  }
}

const key = keyFromEnvironment();

/** What the issuer would exchange a key for: its name is its last character, the flooding one is limited. */
function exchange(text: string) {
  const iat = Math.floor(Date.now() / 1_000);
  const isLimited = text.startsWith('csk_flood_');
  const limits = { '*': isLimited ? { per_minute: 6_000, burst: 600 } : { per_minute: 10_000_000 } };
  const id = parseApiKey(text)?.id ?? '';
  const token = signJwt(
    { typ: 'at+jwt', kid: key.kid },
    {
      iss: ISSUER,
      sub: 'shop',
      aud: AUDIENCE,
      exp: iat + 7_200,
      iat,
      jti: id,
      client_id: 'shop',
      scope: SCOPE,
      kind: 'application',
      api_key: { id, name: 'bench', limits },
    },
    key,
  );
  return Promise.resolve({ token, expiresAt: iat + 7_200, scopes: [SCOPE], tokenType: 'Bearer' as const });
}

const jwks = { keys: [publicJwkOf(key)] };

@Module({
  imports: [
    AuthModule.forRoot({
      issuer: ISSUER,
      audience: AUDIENCE,
      fetch: () => Promise.resolve(Response.json(jwks)),
      apiKeys: { clientKey: key, exchange, onUsage: () => Promise.resolve() },
    }),
  ],
  controllers: [OrdersController],
})
class OrdersModule {}

const app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false });
app.getHttpAdapter().getInstance().addHook('onRequest', requestTurns());
await app.listen(0, '127.0.0.1');
announce(await app.getUrl());
