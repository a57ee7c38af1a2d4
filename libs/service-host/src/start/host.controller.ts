import { Controller, Get, Header, HttpCode, Inject, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { type FastifyReply } from 'fastify';
import { type Registry } from 'prom-client';
import { type HealthRegistry } from '../health/health.js';
import { whenDocumented } from '../openapi/openapi-decorators.js';
import { OpenApiDocument } from '../openapi/openapi.service.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { HEALTH, METRICS } from '../tokens.js';
import { measureProcess } from './metrics.js';

/** The operator's routes; open, because they reveal nothing about anyone. */
@Public()
@Unrecorded('it shows nothing about anyone')
@Controller()
export class HostController {
  #process: Promise<void> | undefined;

  constructor(
    @Inject(HEALTH) private readonly health: HealthRegistry,
    @Inject(METRICS) private readonly metrics: Registry,
    @Inject(OpenApiDocument) private readonly document: OpenApiDocument,
  ) {}

  @Get('health/live')
  @HttpCode(200)
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const report = await this.health.report();
    await reply
      .status(report.status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(report);
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    // Only on request, because measuring costs something.
    await (this.#process ??= measureProcess(this.metrics));
    return this.metrics.metrics();
  }

  @Get('openapi.json')
  openapi(): Promise<object> {
    return this.document.read();
  }
}

whenDocumented(({ ApiExcludeController }) => {
  ApiExcludeController()(HostController);
});
