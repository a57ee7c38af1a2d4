import { Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { CurrentPrincipal, RequireScopes, type Principal } from '@countersign/auth';
import {
  AUDIT_OUTBOX,
  auditRequest,
  OpenApi,
  Problem,
  Trace,
  ZodBody,
  ZodQuery,
  type RequestTrace,
} from '@countersign/service-host';
import { SIGNING_KEYS, type SigningKeys } from '../signing-keys/key-set.js';
import {
  cursorOf,
  newRevocationSchema,
  parseCursor,
  revocationsQuerySchema,
  viewOf,
  wishesOf,
  type NewRevocation,
  type RevocationsQuery,
  type RevocationView,
} from './admin-revocations.js';
import { RevocationService } from './revocation.service.js';
import { RevocationsStore } from './revocations.store.js';

@OpenApi(({ ApiTags }) => ApiTags('admin'))
@Controller('admin/revocations')
export class AdminRevocationsController {
  constructor(
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** What is revoked, newest first; pages by `limit` (1 to 200) and `cursor`. Errors: 400 `CURSOR_INVALID`. */
  @Get()
  @RequireScopes('issuer:admin')
  @Header('cache-control', 'no-store')
  async list(
    @ZodQuery(revocationsQuerySchema) { kind, limit, cursor }: RevocationsQuery,
    @CurrentPrincipal() principal: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<{ revocations: readonly RevocationView[]; next_cursor: string | null }> {
    const before = cursor === undefined ? undefined : parseCursor(cursor);
    if (cursor !== undefined && before === undefined)
      throw new Problem(400, 'CURSOR_INVALID', 'This is not a cursor of this list.');
    const rows = await this.store.page(limit + 1, kind, before);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    await this.outbox.recordDurably({
      type: 'countersign.issuer.revocations.listed.v1',
      subject: 'revocations',
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(principal),
        txn: principal.txn,
        action: 'revocation:list',
        resource: 'revocations',
        outcome: 'allowed',
        request: auditRequest(trace),
      },
    });
    return {
      revocations: page.map((row) => viewOf(row)),
      next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
    };
  }

  /**
   * Revokes a token by `jti` (`with_derived`: and all of its transaction), a transaction, whatever a client or a subject stands in that was
   * issued until a time, or what a key signed. 201 once the database has it; `pushed` says whether the validators' bucket has it too (it
   * will, if not). Errors: 400 `REQUEST_INVALID`; 422 `TIME_IN_FUTURE`; 409 `KEY_IN_USE` for a key that is still published: revoke it as a
   * signing key, which also takes it out of the JWKS.
   */
  @Post()
  @HttpCode(201)
  @RequireScopes('issuer:admin')
  @Header('cache-control', 'no-store')
  async create(
    @ZodBody(newRevocationSchema) asked: NewRevocation,
    @CurrentPrincipal() principal: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<RevocationView> {
    if (asked.kind === 'key' && this.keys.published.some(({ kid }) => kid === asked.kid)) {
      throw new Problem(
        409,
        'KEY_IN_USE',
        `The key is still published. Revoke it as a signing key: POST /admin/keys/${asked.kid}/revoke.`,
      );
    }
    const by = { principal: principalOf(principal), trace, reason: asked.reason };
    const revoked = await this.revocations.revoke(wishesOf(asked), by);
    const [first] = revoked;
    if (first === undefined) throw new Error('nothing was revoked');
    return viewOf(
      first.row,
      revoked.every(({ pushed }) => pushed),
    );
  }
}
