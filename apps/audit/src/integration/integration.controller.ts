import { Controller, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, type Caller } from '@countersign/service-host';
import { IntegrationService } from './integration.service.js';

@OpenApi(({ ApiTags }) => ApiTags('log'))
@Controller('log')
export class IntegrationController {
  constructor(@Inject(IntegrationService) private readonly integration: IntegrationService) {}

  /** Immediately integrates the stored events and returns the checkpoint over them. */
  @Post('checkpoint')
  @HttpCode(200)
  @RequireScopes('audit:read')
  @OpenApi(({ ApiProduces }) => ApiProduces('text/plain'))
  @Header('content-type', 'text/plain; charset=utf-8')
  async checkpointNow(@CurrentCaller() caller: Caller): Promise<string> {
    return (await this.integration.integrateFor(caller)).note;
  }
}
