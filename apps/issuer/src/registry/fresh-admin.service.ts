import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyAdapter } from '@nestjs/platform-fastify';
import { Replica } from './replica.service.js';

/**
 * An administrator's request is decided by the registry at the time of the request: the guard verifies its token from memory, so that memory is
 * brought up to date first. There are few such requests; all others are decided again if they turn out to be based on an older version.
 */
@Injectable()
export class FreshAdmin implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost<FastifyAdapter>,
    @Inject(Replica) private readonly replica: Replica,
  ) {}

  onModuleInit(): void {
    this.host.httpAdapter.getInstance().addHook('onRequest', async ({ routeOptions }) => {
      // By the route, however the URL was written. If the database is unavailable, the request itself fails, with its own response.
      if (routeOptions.url?.startsWith('/admin/') === true) await this.replica.refresh().catch(() => undefined);
    });
  }
}
