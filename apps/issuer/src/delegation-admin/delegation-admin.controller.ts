import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import {
  CurrentCaller,
  OpenApi,
  TakesIdempotencyKey,
  ZodParam,
  ZodQuery,
  type Caller,
} from '@countersign/service-host';
import { delegationIdSchema, type DelegationId } from '../delegations/delegation.js';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { DelegationAdmin } from './delegation-admin.service.js';
import {
  delegationsQuerySchema,
  type DelegationJson,
  type DelegationPage,
  type DelegationsQuery,
} from './delegation-json.js';

/** The administrator's side of what people allowed applications: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Controller('admin/delegations')
@RequireScopes('issuer:admin')
export class DelegationAdminController {
  constructor(@Inject(DelegationAdmin) private readonly delegations: DelegationAdmin) {}

  /**
   * Live delegations, newest first, of all people and applications or of one; `limit` per page (1 to 200), continue with `next_cursor`. `ends_at` is
   * when one ends in any case, `unused_ends_at` when it ends unless it is used. With `ends_before` those allowed for when the person is away
   * (`offline_access`) that end before that time, the first to end first.
   */
  @Get()
  list(
    @ZodQuery(delegationsQuerySchema) query: DelegationsQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<DelegationPage> {
    return this.delegations.list(query, caller);
  }

  /** Ends one: its refresh token stops working, and its tokens are refused everywhere. The person may allow it again. 404 `DELEGATION_UNKNOWN`. */
  @Post(':id/end')
  @TakesIdempotencyKey({ action: 'delegation:end', kind: 'delegation' } satisfies IssuerRoute)
  @HttpCode(200)
  end(@ZodParam('id', delegationIdSchema) id: DelegationId, @CurrentCaller() caller: Caller): Promise<DelegationJson> {
    return this.delegations.end(id, caller);
  }
}
