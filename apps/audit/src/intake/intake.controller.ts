import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { sourceSchema } from '@countersign/audit-event';
import { CurrentCaller, OpenApi, ZodBody, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import { z } from 'zod';
import { CompletenessService, type SourceState } from './completeness.service.js';
import { GapsService } from './gaps.service.js';
import { DeadLettersService } from './dead-letters.service.js';
import { type DeadLetter, type Replayed } from './dead-letters.store.js';

const positionSchema = z.string().regex(/^(0|[1-9][0-9]{0,17})$/, 'must be the position of a dead letter');
const numberSchema = z
  .string()
  .regex(/^[1-9][0-9]{0,17}$/, 'must be a sequence number of a source, as a string')
  .transform(BigInt);
const gapSchema = z
  .strictObject({ first: numberSchema, last: numberSchema, reason: z.string().trim().min(1).max(512) })
  .refine(({ first, last }) => first <= last, { path: ['last'], message: 'must not be before first' });
const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The position of the last one of the previous page. */
  after: positionSchema.default('0'),
});

/** What arrived, what is missing, and what could not enter the trail. */
@OpenApi(({ ApiTags }) => ApiTags('intake'))
@Controller('intake')
export class IntakeController {
  constructor(
    @Inject(CompletenessService) private readonly completeness: CompletenessService,
    @Inject(GapsService) private readonly gaps: GapsService,
    @Inject(DeadLettersService) private readonly letters: DeadLettersService,
  ) {}

  /** For each source: the end of its gap-free range, which numbers are missing, and since when. */
  @Get('sources')
  @RequireScopes('audit:read')
  async sources(@CurrentCaller() caller: Caller): Promise<{ readonly sources: readonly SourceState[] }> {
    return { sources: await this.completeness.list(caller) };
  }

  /**
   * Permanently accepts that numbers of a source are missing: they count as accounted for, and an event that later arrives with one of them becomes a dead letter.
   * It is recorded in the log, with the reason. 409 `GAP_UNKNOWN`.
   */
  @Post('sources/:source/gaps/accept')
  @HttpCode(200)
  @RequireScopes('audit:admin')
  async acceptGap(
    @ZodParam('source', sourceSchema) source: string,
    @ZodBody(gapSchema) { first, last, reason }: z.infer<typeof gapSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly sources: readonly SourceState[] }> {
    await this.gaps.accept({ source, first, last }, reason, caller);
    return { sources: (await this.completeness.read()).filter((state) => state.source === source) };
  }

  /** Dead letters with their reasons, oldest first. */
  @Get('dead-letters')
  @RequireScopes('audit:read')
  async list(
    @ZodQuery(pageSchema) { limit, after }: z.infer<typeof pageSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly dead_letters: readonly DeadLetter[] }> {
    return { dead_letters: await this.letters.list(after, limit, caller) };
  }

  /**
   * Processes one again and appends it to the log. 404 `DEAD_LETTER_UNKNOWN`, 409 `DEAD_LETTER_REPLAYED`, 409 `DEAD_LETTER_ERASED`, 409 `SEQUENCE_TAKEN`,
   * 422 `DEAD_LETTER_STILL_REFUSED`.
   */
  @Post('dead-letters/:position/replay')
  @HttpCode(200)
  @RequireScopes('audit:admin')
  replay(@ZodParam('position', positionSchema) position: string, @CurrentCaller() caller: Caller): Promise<Replayed> {
    return this.letters.replay(position, caller);
  }
}
