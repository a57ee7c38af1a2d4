import { type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule } from '../auth.module.js';
import { type AuthSettings } from '../auth.settings.js';

interface GuardedAppOptions {
  readonly logger?: LoggerService;
  /** Called before it starts. */
  readonly prepare?: (app: NestFastifyApplication) => unknown;
}

/** A started application on Fastify that consists of the guard and these controllers. */
export async function startGuarded(
  settings: AuthSettings,
  controllers: Type[],
  { logger, prepare }: GuardedAppOptions = {},
): Promise<NestFastifyApplication> {
  const module = { module: class GuardedModule {}, imports: [AuthModule.forRoot(settings)], controllers };
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: logger ?? false,
  });
  prepare?.(app);
  return app.init();
}
