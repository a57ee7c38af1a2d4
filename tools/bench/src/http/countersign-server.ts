import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule, Public, requestTurns, RequireScopes } from '@countersign/auth';
import { publicJwkOf } from '@countersign/auth-core';
import { announce, AUDIENCE, ISSUER, keyFromEnvironment, SCOPE } from './settings.js';

@Controller()
class OrdersController {
  @Get('public')
  @Public()
  open(): object {
    return { id: 7 };
  }

  @Get('protected')
  @RequireScopes(SCOPE)
  closed(): object {
    return { id: 7 };
  }
}

const jwks = { keys: [publicJwkOf(keyFromEnvironment())] };

@Module({
  imports: [
    AuthModule.forRoot({ issuer: ISSUER, audience: AUDIENCE, fetch: () => Promise.resolve(Response.json(jwks)) }),
  ],
  controllers: [OrdersController],
})
class OrdersModule {}

const app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false });
app.getHttpAdapter().getInstance().addHook('onRequest', requestTurns());
await app.listen(0, '127.0.0.1');
announce(await app.getUrl());
