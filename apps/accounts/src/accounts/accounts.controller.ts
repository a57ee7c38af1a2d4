import { Controller, Get, Inject, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { Trace, ZodBody, ZodParam, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { accountIdSchema, openAccountSchema, type AccountId, type AccountJson, type OpenAccount } from './account.js';
import { AccountsService } from './accounts.service.js';
import { statementQuerySchema, type StatementJson, type StatementQuery } from './statement.js';

@ApiTags('accounts')
@Controller('accounts')
export class AccountsController {
  constructor(@Inject(AccountsService) private readonly accounts: AccountsService) {}

  /**
   * Opens an account: name, kind, currency (ISO 4217), overdraft rule (`limited` with its `overdraft_limit`), metadata. Its owner is the
   * caller's subject; naming another needs `accounts:admin`. 201 with the account, its balance zero. 403 `OWNER_NOT_YOURS`.
   */
  @Post()
  @RequireScopes('accounts:write')
  open(
    @ZodBody(openAccountSchema) command: OpenAccount,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.open(command, caller, trace);
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

  /** The statement with the running balance, newest first, `limit` entries a page (1 to 200). For whom the account is; 404 `ACCOUNT_UNKNOWN`. */
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
}
