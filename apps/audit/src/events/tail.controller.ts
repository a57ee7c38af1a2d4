import { Readable } from 'node:stream';
import { Controller, Get, Header, Headers, Inject, StreamableFile } from '@nestjs/common';
import { RequireAnyScope } from '@countersign/auth';
import { CurrentCaller, OpenApi, SchemaPipe, ZodQuery, type Caller } from '@countersign/service-host';
import { cursorSchema } from './event-search.js';
import { eventTailSchema, type EventTail } from './tail.js';
import { TailService } from './tail.service.js';
import { READING } from './visibility.js';

const lastEventIdPipe = new SchemaPipe(cursorSchema);

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events/tail')
export class TailController {
  constructor(@Inject(TailService) private readonly tails: TailService) {}

  /**
   * Events as they arrive, as server-sent events (`event: event`, the id is the log index); filters as in a search, without times.
   * A reader that was disconnected resumes with `Last-Event-ID` and misses nothing. `event: sealed` says which events
   * (`first_index` to `last_index`) retention moved to segments before they were sent; it continues after them. It ends with `event: end` when the token expires. `event: error` with the code
   * `CURSOR_BEYOND_END` says that the log has no such index yet. 429 `TAILS_BUSY`, 429 `CLIENT_TAILS_BUSY`.
   */
  @Get()
  @OpenApi(({ ApiProduces }) => ApiProduces('text/event-stream'))
  @OpenApi(({ ApiHeader }) =>
    ApiHeader({ name: 'last-event-id', required: false, description: 'The log index of the last event received.' }),
  )
  @Header('x-accel-buffering', 'no')
  @Header('connection', 'close')
  @RequireAnyScope(...READING)
  async tail(
    @ZodQuery(eventTailSchema) tail: EventTail,
    @Headers('last-event-id') lastEventId: string | undefined,
    @CurrentCaller() caller: Caller,
  ): Promise<StreamableFile> {
    const from = lastEventId === undefined ? tail : { ...tail, cursor: lastEventIdPipe.transform(lastEventId) };
    const messages = await this.tails.begin(from, caller);
    return new StreamableFile(Readable.from(messages, { objectMode: false, highWaterMark: 16 * 1024 }), {
      type: 'text/event-stream',
    });
  }
}
