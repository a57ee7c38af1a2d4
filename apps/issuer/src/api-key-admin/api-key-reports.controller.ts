import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, Unrecorded, ZodBody, type Caller } from '@countersign/service-host';
import { exposureSchema, usageReportsSchema, type Exposure, type UsageReports } from './api-key-usage.js';
import { ApiKeyUsageService } from './api-key-usage.service.js';

/** The services' side of API keys: scope `api-keys:report`. */
@OpenApi(({ ApiTags }) => ApiTags('api-keys'))
@Controller('api-keys')
@RequireScopes('api-keys:report')
export class ApiKeyReportsController {
  constructor(@Inject(ApiKeyUsageService) private readonly usage: ApiKeyUsageService) {}

  /** Receives how often keys were used at the calling service; each report counts once, by its id. 204. */
  @Post('usage')
  @HttpCode(204)
  @Unrecorded('usage counts, once a second from each service; unusual use is recorded')
  count(@ZodBody(usageReportsSchema) reports: UsageReports, @CurrentCaller() caller: Caller): Promise<void> {
    return this.usage.count(reports, caller);
  }

  /** Marks a key that was sent in a URL as exposed. 204, whether or not the key exists. */
  @Post('exposures')
  @HttpCode(204)
  exposed(@ZodBody(exposureSchema) { api_key: key }: Exposure, @CurrentCaller() caller: Caller): Promise<void> {
    return this.usage.exposed(key, caller);
  }
}
