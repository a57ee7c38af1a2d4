import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, Unrecorded, type Caller } from '@countersign/service-host';
import { Restoration, type RestorationJson } from './restoration.service.js';

/** What an administrator sees of a database that was restored from a backup. */
@OpenApi(({ ApiTags }) => ApiTags('admin'))
@Controller('admin/restoration')
@RequireScopes('issuer:admin')
export class RestorationController {
  constructor(@Inject(Restoration) private readonly restoration: Restoration) {}

  /** Whether the database was found to be older than what the issuer has published, and that is not acknowledged yet. */
  @Get()
  @Unrecorded('shows no more than readiness')
  show(): RestorationJson {
    return this.restoration.show();
  }

  /** Confirms that the changes missing from the backup have been dealt with: assertions issued earlier are accepted again. */
  @Post('acknowledge')
  @HttpCode(200)
  acknowledge(@CurrentCaller() caller: Caller): Promise<RestorationJson> {
    return this.restoration.acknowledge(caller);
  }
}
