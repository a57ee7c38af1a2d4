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

  /** Opens an account: name, kind, currency (ISO 4217), overdraft rule. 201 with the account, its balance zero. */
  @Post()
  @RequireScopes('accounts:write')
  open(
    @ZodBody(openAccountSchema) command: OpenAccount,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.open(command, caller, trace);
  }

  /** The account with its balance in minor units. 404 `ACCOUNT_UNKNOWN`. */
  @Get(':id')
  @RequireScopes('accounts:read')
  read(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<AccountJson> {
    return this.accounts.read(id, caller, trace);
  }

  /** The statement, newest first, `limit` entries a page (1 to 200). 404 `ACCOUNT_UNKNOWN`. */
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
