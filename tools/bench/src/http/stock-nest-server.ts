import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import { Controller, ForbiddenException, Get, Injectable, Module, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { publicJwkOf } from '@countersign/auth-core';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { announce, AUDIENCE, ISSUER, keyFromEnvironment, SCOPE } from './settings.js';

const pem = createPublicKey({ key: publicJwkOf(keyFromEnvironment()), format: 'jwk' }).export({
  type: 'spki',
  format: 'pem',
});

interface Payload {
  readonly sub: string;
  readonly scope: string;
}

/** As the Nest documentation shows it. */
@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: pem,
      algorithms: ['ES256'],
      issuer: ISSUER,
      audience: AUDIENCE,
    });
  }

  validate({ sub, scope }: Payload): object {
    return { subject: sub, scopes: scope.split(' ') };
  }
}

@Controller()
class OrdersController {
  @Get('protected')
  @UseGuards(AuthGuard('jwt'))
  closed(@Req() request: { readonly user: { readonly scopes: readonly string[] } }): object {
    if (!request.user.scopes.includes(SCOPE)) throw new ForbiddenException();
    return { id: 7 };
  }
}

@Module({ imports: [PassportModule], controllers: [OrdersController], providers: [JwtStrategy] })
class OrdersModule {}

const app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
announce(await app.getUrl());
