import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireAnyScope, RequireScopes } from '@countersign/auth';
import { clientWide } from '@countersign/auth-core';
import { CurrentCaller, OpenApi, ZodBody, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import {
  createTransferSchema,
  postHoldSchema,
  voidHoldSchema,
  type CreateTransfer,
  type PostHoldBody,
} from './transfer-command.js';
import { listTransfersSchema, type ListTransfers, type TransferPageJson } from './transfer-list.js';
import { transferIdSchema, type TransferId, type TransferJson } from './transfer.js';
import { TransfersService } from './transfers.service.js';

@OpenApi(({ ApiTags }) => ApiTags('transfers'))
@Controller('transfers')
export class TransfersController {
  constructor(@Inject(TransfersService) private readonly transfers: TransfersService) {}

  /**
   * Posts a transfer immediately, or holds it (`hold`): 1 to 32 legs, all or none. 201 with the transfer, also if the same client sends the
   * same transfer again under its id. Debits need the account's owner, or `accounts:admin`; a correction (`corrects`) that
   * takes from another's account needs `transfers:correct`, of the client that made what it corrects.
   * 422: `ACCOUNT_UNKNOWN` (also for an account that is not the caller's to take from, and for another's that is closed, frozen or of another
   * currency), `ACCOUNT_CANNOT_GIVE`, `CORRECTION_NOT_YOURS`, `CORRECTION_TOO_OLD`, `SAME_ACCOUNT`, `CURRENCY_MISMATCH`,
   * `ACCOUNT_FROZEN`, `ACCOUNT_CLOSED`, `INSUFFICIENT_FUNDS`, `BALANCE_LIMIT`, `TRANSFER_ID_REUSED`, `CORRECTED_TRANSFER_UNKNOWN`,
   * `CORRECTED_TRANSFER_NOT_POSTED`, `CORRECTION_NOT_REVERSED`, `CORRECTION_ABOVE_ORIGINAL`. 503 `LEDGER_BUSY`: send it again.
   */
  @Post()
  @RequireScopes('transfers:create')
  create(
    @ZodBody(createTransferSchema) command: CreateTransfer,
    @CurrentCaller() caller: Caller,
  ): Promise<TransferJson> {
    return this.transfers.create(command, caller);
  }

  /**
   * Posts a held transfer, or a part of a one-leg hold (`amount`, minor units): the rest is released. For the client that made it, for
   * the same subject, for itself, or with `transfers:create:client`.
   * 200 with the transfer, also if it was already posted this way. 404 `TRANSFER_UNKNOWN`.
   * 422: `HOLD_EXPIRED`, `TRANSFER_NOT_HELD`, `AMOUNT_ABOVE_HOLD`, `PARTIAL_POST_OF_LEGS`, `CURRENCY_MISMATCH`, `BALANCE_LIMIT`.
   */
  @Post(':id/post')
  @HttpCode(200)
  @RequireAnyScope('transfers:create', clientWide('transfers:create'))
  post(
    @ZodParam('id', transferIdSchema) id: TransferId,
    @ZodBody(postHoldSchema) { amount }: PostHoldBody,
    @CurrentCaller() caller: Caller,
  ): Promise<TransferJson> {
    return this.transfers.end({ kind: 'post', id, amount }, caller);
  }

  /**
   * Voids a held transfer: its reserved amount is released. For the client that made it, as for posting. 200 with the transfer, also if it was
   * already voided. 404 `TRANSFER_UNKNOWN`. 422: `HOLD_EXPIRED`, `TRANSFER_NOT_HELD`.
   */
  @Post(':id/void')
  @HttpCode(200)
  @RequireAnyScope('transfers:create', clientWide('transfers:create'))
  void(
    @ZodParam('id', transferIdSchema) id: TransferId,
    @ZodBody(voidHoldSchema) _body: object,
    @CurrentCaller() caller: Caller,
  ): Promise<TransferJson> {
    return this.transfers.end({ kind: 'void', id }, caller);
  }

  /**
   * The transfers that the caller's subject made; to the client itself, or with `transfers:read:client`, all that were made through it. In the
   * order of their ids, `limit` a page (1 to 200). Each with who made it: subject, client, actors, `txn`.
   */
  @Get()
  @RequireAnyScope('transfers:read', clientWide('transfers:read'))
  list(
    @ZodQuery(listTransfersSchema) query: ListTransfers,
    @CurrentCaller() caller: Caller,
  ): Promise<TransferPageJson> {
    return this.transfers.list(query, caller);
  }

  /**
   * A transfer and its state: `held`, `posted`, `voided`, `expired`. For the subject and the client that made it (the client
   * itself, or with `transfers:read:client`), the owner of one of its accounts,
   * `accounts:admin` or `accounts:audit`. 404 `TRANSFER_UNKNOWN`, to strangers too.
   */
  @Get(':id')
  @RequireAnyScope('transfers:read', clientWide('transfers:read'))
  read(@ZodParam('id', transferIdSchema) id: TransferId, @CurrentCaller() caller: Caller): Promise<TransferJson> {
    return this.transfers.read(id, caller);
  }
}
