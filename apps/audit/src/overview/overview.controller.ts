import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { OpenApi, Unrecorded } from '@countersign/service-host';
import { type Overview } from './overview.js';
import { OverviewService } from './overview.service.js';

@OpenApi(({ ApiTags }) => ApiTags('intake'))
@Controller('overview')
export class OverviewController {
  constructor(@Inject(OverviewService) private readonly overview: OverviewService) {}

  /** The health of the trail: sources and their gaps, dead letters, the log and its newest checkpoint, retention, and this replica's own parts. */
  @Get()
  @RequireScopes('audit:read')
  @Unrecorded('it shows the health of the trail, not its events, and an open page polls it')
  read(): Promise<Overview> {
    return this.overview.read();
  }
}
