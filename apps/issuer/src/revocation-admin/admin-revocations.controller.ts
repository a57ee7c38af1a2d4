import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, TakesIdempotencyKey, ZodBody, ZodQuery, type Caller } from '@countersign/service-host';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import {
  newRevocationSchema,
  revocationsQuerySchema,
  type NewRevocation,
  type RevocationsQuery,
  type RevocationView,
} from './admin-revocations.js';
import { AdminRevocationsService, type RevocationsPage } from './admin-revocations.service.js';

@OpenApi(({ ApiTags }) => ApiTags('admin'))
@Controller('admin/revocations')
export class AdminRevocationsController {
  constructor(@Inject(AdminRevocationsService) private readonly revocations: AdminRevocationsService) {}

  /** Revocations, newest first, paged by `limit` (1 to 200) and `cursor`. Errors: 400 `CURSOR_INVALID`. */
  @Get()
  @RequireScopes('issuer:admin')
  list(
    @ZodQuery(revocationsQuerySchema) query: RevocationsQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<RevocationsPage> {
    return this.revocations.list(query, caller);
  }

  /**
   * Revokes a token by `jti` (`with_derived`: and all of its transaction), a transaction, everything that names a client or a subject and was
   * issued until a time, or what a key signed. For a person this also ends their sessions and everything that they allowed applications; for an application, or a
   * transaction, what people allowed it: no refresh token yields new tokens. 201 once the database has it; `pushed` says whether the validators' bucket has it too (it
   * will later, if not; a repeat under an `Idempotency-Key` says `false`). Errors: 400 `REQUEST_INVALID`; 422 `TIME_IN_FUTURE`; 409 `KEY_IN_USE` for a key that is still published: revoke it as a
   * signing key, which also removes it from the JWKS.
   */
  @Post()
  @HttpCode(201)
  @TakesIdempotencyKey({ action: 'revocation:create', kind: 'revocation' } satisfies IssuerRoute)
  @RequireScopes('issuer:admin')
  create(@ZodBody(newRevocationSchema) asked: NewRevocation, @CurrentCaller() caller: Caller): Promise<RevocationView> {
    return this.revocations.create(asked, caller);
  }
}
