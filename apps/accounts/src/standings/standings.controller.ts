import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import {
  accountIdSchema,
  listAccountsSchema,
  type AccountId,
  type AccountJson,
  type AccountPageJson,
  type ListAccounts,
} from '../accounts/account.js';
import { asOfQuerySchema, type AsOfQuery, type BalanceJson } from './balance-as-of.js';
import { StandingsService } from './standings.service.js';
import { statementQuerySchema, type StatementJson, type StatementQuery } from './statement.js';

@OpenApi(({ ApiTags }) => ApiTags('accounts'))
@Controller('accounts')
export class StandingsController {
  constructor(@Inject(StandingsService) private readonly standings: StandingsService) {}

  /**
   * The caller's own accounts, `limit` a page (1 to 200), in the order in which they were opened; of another `owner` for `accounts:admin`
   * and `accounts:audit`. 403 `OWNER_NOT_YOURS`.
   */
  @Get()
  @RequireScopes('accounts:read')
  list(@ZodQuery(listAccountsSchema) query: ListAccounts, @CurrentCaller() caller: Caller): Promise<AccountPageJson> {
    return this.standings.list(query, caller);
  }

  /**
   * The account with its balance, reserved and available amounts, in minor units. For its owner, `accounts:admin` or
   * `accounts:audit`. 404 `ACCOUNT_UNKNOWN`, to strangers too.
   */
  @Get(':id')
  @RequireScopes('accounts:read')
  read(@ZodParam('id', accountIdSchema) id: AccountId, @CurrentCaller() caller: Caller): Promise<AccountJson> {
    return this.standings.read(id, caller);
  }

  /**
   * The statement with the running balance, newest first, `limit` entries per page (1 to 200); limited in time by `from` (inclusive) or `to`
   * (exclusive), RFC 3339. Pages after a cursor do not shift while others write. For the same callers as the account; 404 `ACCOUNT_UNKNOWN`.
   */
  @Get(':id/entries')
  @RequireScopes('accounts:read')
  statement(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodQuery(statementQuerySchema) query: StatementQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<StatementJson> {
    return this.standings.statement(id, query, caller);
  }

  /** The balance at a past time (RFC 3339); the result never changes. 404 `ACCOUNT_UNKNOWN`. 422 `AS_OF_NOT_PAST`. */
  @Get(':id/balance')
  @RequireScopes('accounts:read')
  balanceAsOf(
    @ZodParam('id', accountIdSchema) id: AccountId,
    @ZodQuery(asOfQuerySchema) query: AsOfQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<BalanceJson> {
    return this.standings.balanceAsOf(id, query, caller);
  }
}
