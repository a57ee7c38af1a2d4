import { Controller, Get, Headers, Inject, Patch, Post, Put, Res } from '@nestjs/common';
import { CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import {
  OpenApi,
  parseIdempotencyKey,
  Trace,
  ZodBody,
  ZodParam,
  ZodQuery,
  type RequestTrace,
} from '@countersign/service-host';
import {
  accountIdSchema,
  listAccountsSchema,
  openAccountSchema,
  type AccountId,
  type AccountJson,
  type AccountPageJson,
  type ListAccounts,
  type OpenAccount,
} from './account.js';
import { changeAccountSchema, type ChangeAccount } from './account-change.js';
import { changeStatusSchema, type ChangeStatus } from './account-status.js';
import { asOfQuerySchema, type AsOfQuery, type BalanceJson } from './balance-as-of.js';
import { AccountsService } from './accounts.service.js';
import { statementQuerySchema, type StatementJson, type StatementQuery } from './statement.js';

@OpenApi(({ ApiTags }) => ApiTags('accounts'))
@Controller('accounts')
export class AccountsController {
  constructor(@Inject(AccountsService) private readonly accounts: AccountsService) {}

  /**
   * Opens an account: name, kind, currency (ISO 4217), overdraft rule (`limited` with its `overdraft_limit`), metadata. Its owner is the
   * caller's subject; naming another needs `accounts:admin`. What can give without having (an overdraft rule beyond `forbidden`, or the kind
   * asset or expense) needs `accounts:overdraft`. 201 with the account, its balance zero. With an `Idempotency-Key` a repeat of the same body within 24 hours gets the first
   * answer, marked `Idempotency-Replayed: true`; another body is 422 `IDEMPOTENCY_KEY_REUSED`. 403 `OWNER_NOT_YOURS`,
   * `OVERDRAFT_NOT_YOURS`.
   */
  @Post()
  @RequireScopes('accounts:write')
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: false }))
  async open(
    @ZodBody(openAccountSchema) command: OpenAccount,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
    @Res({ passthrough: true }) reply: { header(name: string, value: string): unknown },
  ): Promise<AccountJson> {
    const key = header === undefined ? undefined : parseIdempotencyKey(header);
    const { account, replayed } = await this.accounts.open(command, key, caller, trace);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return account;
  }

  /**
   * The caller's own accounts, `limit` a page (1 to 200), in the order in which they were opened; of another `owner` for `accounts:admin`
   * and `accounts:audit`. 403 `OWNER_NOT_YOURS`.
   */
  @Get()
  @RequireScopes('accounts:read')
  list(
    @ZodQuery(listAccountsSchema) query: ListAccounts,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountPageJson> {
    return this.accounts.list(query, caller, trace);
  }

  /**
   * The account with its balance, what holds reserve and what is available, in minor units. For its owner, `accounts:admin` or
   * `accounts:audit`. 404 `ACCOUNT_UNKNOWN`, to strangers too.
   */
  @Get(':id')
  @RequireScopes('accounts:read')
  read(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.read(id, caller, trace);
  }

  /**
   * Changes metadata (merged, RFC 7396: null removes a member) and the overdraft rule. For its owner or `accounts:admin`; a rule beyond
   * `forbidden` needs `accounts:overdraft` as well. 404 `ACCOUNT_UNKNOWN`, to strangers too. 403 `OVERDRAFT_NOT_YOURS`. 409
   * `OVERDRAFT_IN_USE`: less than what is available already. 422 `ACCOUNT_CLOSED`, `CURRENCY_MISMATCH`, `METADATA_LIMIT`,
   * `CHANGE_TOO_LARGE`.
   */
  @Patch(':id')
  @RequireScopes('accounts:write')
  change(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodBody(changeAccountSchema) command: ChangeAccount,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.change(id, command, caller, trace);
  }

  /**
   * The statement with the running balance, newest first, `limit` entries a page (1 to 200); of a time only, when `from` (included) or `to`
   * (not included) name it (RFC 3339). Pages behind a cursor do not move while others write. For whom the account is; 404 `ACCOUNT_UNKNOWN`.
   */
  @Get(':id/entries')
  @RequireScopes('accounts:read')
  statement(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodQuery(statementQuerySchema) query: StatementQuery,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<StatementJson> {
    return this.accounts.statement(id, query, caller, trace);
  }

  /** The balance at a time that has passed (RFC 3339); the answer never changes. 404 `ACCOUNT_UNKNOWN`. 422 `AS_OF_NOT_PAST`. */
  @Get(':id/balance')
  @RequireScopes('accounts:read')
  balanceAsOf(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodQuery(asOfQuerySchema) query: AsOfQuery,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<BalanceJson> {
    return this.accounts.balanceAsOf(id, query, caller, trace);
  }

  /**
   * `open` ⇄ `frozen`, and from either to `closed`, which is final and needs a balance of zero and no hold. A frozen account takes part in
   * no new transfer; holds from before may still be posted or voided. 404 `ACCOUNT_UNKNOWN`. 422 `ACCOUNT_CLOSED`, `ACCOUNT_NOT_EMPTY`.
   */
  @Put(':id/status')
  @RequireScopes('accounts:admin')
  changeStatus(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodBody(changeStatusSchema) command: ChangeStatus,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.changeStatus(id, command, caller, trace);
  }
}
