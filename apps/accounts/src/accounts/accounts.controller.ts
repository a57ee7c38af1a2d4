import { Controller, Inject, Patch, Post, Put } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, TakesIdempotencyKey, ZodBody, ZodParam, type Caller } from '@countersign/service-host';
import { accountIdSchema, openAccountSchema, type AccountId, type AccountJson, type OpenAccount } from './account.js';
import { changeAccountSchema, type ChangeAccount } from './account-change.js';
import { changeStatusSchema, type ChangeStatus } from './account-status.js';
import { AccountsService } from './accounts.service.js';

@OpenApi(({ ApiTags }) => ApiTags('accounts'))
@Controller('accounts')
export class AccountsController {
  constructor(@Inject(AccountsService) private readonly accounts: AccountsService) {}

  /**
   * Opens an account: name, kind, currency (ISO 4217), overdraft rule (`limited` with its `overdraft_limit`), metadata. Its owner is the
   * caller's subject; naming another needs `accounts:admin`. An account that can pay out more than it has (an overdraft rule beyond `forbidden`, or
   * the kind asset or expense) needs `accounts:overdraft`. 201 with the account, its balance zero. With an `Idempotency-Key` a repeat of the same
   * body within 24 hours gets the first answer, marked `Idempotency-Replayed: true`; another body is 422 `IDEMPOTENCY_KEY_REUSED`. 403
   * `OWNER_NOT_YOURS`, `OVERDRAFT_NOT_YOURS`.
   */
  @Post()
  @RequireScopes('accounts:write')
  @TakesIdempotencyKey({ action: 'accounts:open', kind: 'account' })
  open(@ZodBody(openAccountSchema) command: OpenAccount, @CurrentCaller() caller: Caller): Promise<AccountJson> {
    return this.accounts.open(command, caller);
  }

  /**
   * Changes metadata (merged, RFC 7396: null removes a member) and the overdraft rule. For its owner or `accounts:admin`; a rule beyond
   * `forbidden` needs `accounts:overdraft` as well. 404 `ACCOUNT_UNKNOWN`, to strangers too. 403 `OVERDRAFT_NOT_YOURS`. 409
   * `OVERDRAFT_IN_USE`: the available balance is already below that limit. 422 `ACCOUNT_CLOSED`, `CURRENCY_MISMATCH`, `METADATA_LIMIT`,
   * `CHANGE_TOO_LARGE`. 503 `LEDGER_BUSY`: send it again.
   */
  @Patch(':id')
  @RequireScopes('accounts:write')
  change(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodBody(changeAccountSchema) command: ChangeAccount,
    @CurrentCaller() caller: Caller,
  ): Promise<AccountJson> {
    return this.accounts.change(id, command, caller);
  }

  /**
   * `open` ⇄ `frozen`, and from either to `closed`, which is final and needs a balance of zero and no hold. A frozen account takes part in
   * no new transfers; earlier holds may still be posted or voided. 404 `ACCOUNT_UNKNOWN`. 422 `ACCOUNT_CLOSED`, `ACCOUNT_NOT_EMPTY`. 503
   * `LEDGER_BUSY`: send it again.
   */
  @Put(':id/status')
  @RequireScopes('accounts:admin')
  changeStatus(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodBody(changeStatusSchema) command: ChangeStatus,
    @CurrentCaller() caller: Caller,
  ): Promise<AccountJson> {
    return this.accounts.changeStatus(id, command, caller);
  }
}
