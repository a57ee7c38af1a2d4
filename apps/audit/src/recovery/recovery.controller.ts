import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireAnyScope, RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodBody, type Caller } from '@countersign/service-host';
import { z } from 'zod';
import { RecoveryService, type RecoveryReport } from './recovery.service.js';

const recoverSchema = z.strictObject({
  /** Continue although something is missing, and declare that in the log. */
  accept_loss: z.boolean().default(false),
});

/** Recovers what a log lost when its database was restored from a backup. */
@OpenApi(({ ApiTags }) => ApiTags('log'))
@Controller('log/recovery')
export class RecoveryController {
  constructor(@Inject(RecoveryService) private readonly recovery: RecoveryService) {}

  /** Whether the log was restored, and what has been recovered. */
  @Get()
  @RequireAnyScope('audit:admin', 'audit:read')
  report(@CurrentCaller() caller: Caller): Promise<RecoveryReport> {
    return this.recovery.read(caller);
  }

  /** Asks the services, and audit's own stream, for what is missing. 409 `LOG_NOT_RESTORED`. */
  @Post('recall')
  @HttpCode(200)
  @RequireScopes('audit:admin')
  recall(@CurrentCaller() caller: Caller): Promise<RecoveryReport> {
    return this.recovery.recall(caller);
  }

  /**
   * Restores the recovered events, each under its original log index, and records that in the log. 409 `RECOVERY_INCOMPLETE`, `RECOVERY_MISMATCH`,
   * `RECOVERY_CONFLICT`, `LOG_NOT_RESTORED`.
   */
  @Post()
  @HttpCode(200)
  @RequireScopes('audit:admin')
  recover(
    @ZodBody(recoverSchema) { accept_loss: acceptLoss }: z.infer<typeof recoverSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<RecoveryReport> {
    return this.recovery.recover(acceptLoss, caller);
  }
}
