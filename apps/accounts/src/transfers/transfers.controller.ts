import { Controller, Get, Inject, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { Trace, ZodBody, ZodParam, type RequestTrace } from '@countersign/service-host';
import {
  postTransferSchema,
  transferIdSchema,
  type PostTransfer,
  type TransferId,
  type TransferJson,
} from './transfer.js';
import { TransfersService } from './transfers.service.js';

@ApiTags('transfers')
@Controller('transfers')
export class TransfersController {
  constructor(@Inject(TransfersService) private readonly transfers: TransfersService) {}

  /**
   * Posts a transfer at once. 201 with the transfer, also when the same transfer is sent again under its id.
   * 422: `INSUFFICIENT_FUNDS`, `CURRENCY_MISMATCH`, `ACCOUNT_UNKNOWN`, `SAME_ACCOUNT`, `BALANCE_LIMIT`, `TRANSFER_ID_REUSED`.
   */
  @Post()
  @RequireScopes('transfers:create')
  post(
    @ZodBody(postTransferSchema) command: PostTransfer,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<TransferJson> {
    return this.transfers.post(command, caller, trace);
  }

  /** A posted transfer. 404 `TRANSFER_UNKNOWN`. */
  @Get(':id')
  @RequireScopes('transfers:read')
  read(
    @ZodParam('id', transferIdSchema) id: TransferId,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<TransferJson> {
    return this.transfers.read(id, caller, trace);
  }
}
