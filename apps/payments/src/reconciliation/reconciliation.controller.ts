import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodBody, timeBoundSchema, type Caller } from '@countersign/service-host';
import { z } from 'zod';
import { type ReportJson } from './reconciliation.service.js';
import { ReconciliationWorker } from './reconciliation.worker.js';

/** The body of `POST /reconciliation`. `since`: only what was created since then (RFC 3339). `repair`: repair the differences that can be repaired. */
const reconcileSchema = z.strictObject({ since: timeBoundSchema.optional(), repair: z.boolean().default(false) });

@OpenApi(({ ApiTags }) => ApiTags('payments'))
@Controller('reconciliation')
export class ReconciliationController {
  constructor(@Inject(ReconciliationWorker) private readonly worker: ReconciliationWorker) {}

  /**
   * Compares payments and refunds with their transfers at accounts, both ways, and names each difference (the first hundred):
   * `TRANSFER_MISSING`, `TRANSFER_DIFFERS`, `RECORD_BEHIND`, `RECORD_MISSING`. With `repair` it repairs what it can: records that are behind
   * catch up, missing records are recreated from their transfers. 200 whether or not they agree: see `ok`.
   * 409 `RECONCILIATION_RUNNING`; 503 `ACCOUNTS_UNAVAILABLE`.
   */
  @Post()
  @HttpCode(200)
  @RequireScopes('payments:reconcile')
  reconcile(
    @ZodBody(reconcileSchema) { since, repair }: z.infer<typeof reconcileSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<ReportJson> {
    return this.worker.now({ since, repair }, caller);
  }
}
