import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, type Caller } from '@countersign/service-host';
import { type InvariantsJson } from './invariants.js';
import { InvariantsService } from './invariants.service.js';

@OpenApi(({ ApiTags }) => ApiTags('ledger'))
@Controller('ledger')
export class InvariantsController {
  constructor(@Inject(InvariantsService) private readonly invariants: InvariantsService) {}

  /**
   * Whether the ledger is consistent, checked in one snapshot of its database: sums per currency are zero, balances are the sums of their entries,
   * available balances respect their limits, holds reserve their amounts, transfers moved their legs, no owner has more than they received and may overdraw. 200 whether or not all hold: see `ok`;
   * each invariant names its first 20 faults. One check at a time: a request during a check gets that check's result (`checked_at`).
   */
  @Get('invariants')
  @RequireScopes('accounts:audit')
  check(@CurrentCaller() caller: Caller): Promise<InvariantsJson> {
    return this.invariants.check(caller);
  }
}
