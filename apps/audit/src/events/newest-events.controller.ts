import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodQuery, type Caller } from '@countersign/service-host';
import { newestQuerySchema, type NewestEvent, type NewestQuery } from './newest-events.js';
import { NewestEvents } from './newest-events.service.js';
import { READ_ALL } from './visibility.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events/newest')
export class NewestEventsController {
  constructor(@Inject(NewestEvents) private readonly newest: NewestEvents) {}

  /** The last event of each of the given clients (`clients`, separated by commas, at most 50); one without an event is left out. */
  @Get()
  @RequireScopes(READ_ALL)
  async read(
    @ZodQuery(newestQuerySchema) query: NewestQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly newest: readonly NewestEvent[] }> {
    return { newest: await this.newest.of(query, caller) };
  }
}
