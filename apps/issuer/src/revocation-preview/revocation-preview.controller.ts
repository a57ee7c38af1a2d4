import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodQuery, type Caller } from '@countersign/service-host';
import { previewQuerySchema, type PreviewQuery, type RevocationPreview } from './revocation-preview.js';
import { RevocationPreviews } from './revocation-preview.service.js';

@OpenApi(({ ApiTags }) => ApiTags('admin'))
@Controller('admin/revocations/preview')
export class RevocationPreviewController {
  constructor(@Inject(RevocationPreviews) private readonly previews: RevocationPreviews) {}

  /**
   * What a revocation would refuse, without making it: `kind` and `name` as in the list of revocations. Counts the tokens that are valid
   * now and would be refused, and the delegations, live sessions and API keys that would end with them.
   */
  @Get()
  @RequireScopes('issuer:admin')
  preview(
    @ZodQuery(previewQuerySchema) query: PreviewQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<RevocationPreview> {
    return this.previews.preview(query, caller);
  }
}
