import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, idSchema, OpenApi, ZodBody, ZodParam, type Caller } from '@countersign/service-host';
import { z } from 'zod';
import { ERASE, MaskedValuesService, REVEAL, type RevealedValues } from './masked-values.service.js';

const reason = z.string().trim().min(1).max(512);
const revealSchema = z.strictObject({ reason });
const eraseSchema = z.union([
  z.strictObject({ reason, event: idSchema }),
  z.strictObject({ reason, subject: z.string().min(1).max(512) }),
]);

@OpenApi(({ ApiTags }) => ApiTags('masking'))
@Controller('events')
export class MaskedValuesController {
  constructor(@Inject(MaskedValuesService) private readonly masked: MaskedValuesService) {}

  /** The values behind one event's commitments in the log: paths, values, salts. `reason` says why and is recorded. */
  @Post(':id/reveal')
  @HttpCode(200)
  @RequireScopes(REVEAL)
  reveal(
    @ZodParam('id', idSchema) id: string,
    @ZodBody(revealSchema) body: z.infer<typeof revealSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<RevealedValues> {
    return this.masked.reveal(id, body.reason, caller);
  }

  /** Permanently erases the masked values of one event or one subject; the log keeps its commitments and stays intact. */
  @Post('erase')
  @HttpCode(200)
  @RequireScopes(ERASE)
  async erase(
    @ZodBody(eraseSchema) body: z.infer<typeof eraseSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly erased: number }> {
    const { reason: why, ...what } = body;
    return { erased: await this.masked.erase(what, why, caller) };
  }
}
