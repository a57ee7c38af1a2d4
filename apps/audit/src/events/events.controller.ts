import { Controller, Get, Inject } from '@nestjs/common';
import { CurrentPrincipal, RequireAnyScope, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { idSchema, OpenApi, Trace, ZodParam, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { eventSearchSchema, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { type EventStatistics } from './event-statistics.js';
import { EventsService } from './events.service.js';
import { READ_ALL, READING } from './visibility.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events')
export class EventsController {
  constructor(@Inject(EventsService) private readonly events: EventsService) {}

  /**
   * Who viewed or moved what: newest first, `limit` a page (1 to 200), filters by subject, actor, client, action, resource, …, words by `q`.
   * With `audit:read:own` only what the caller's subject did, with `audit:read:client` what any subject did through its client.
   */
  @Get()
  @RequireAnyScope(...READING)
  search(
    @ZodQuery(eventSearchSchema) search: EventSearch,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<EventPage> {
    return this.events.search(search, { caller, trace });
  }

  /** How many events there are: in all, by source, by outcome. */
  @Get('stats')
  @RequireScopes(READ_ALL)
  statistics(@CurrentPrincipal() caller: Principal, @Trace() trace: RequestTrace): Promise<EventStatistics> {
    return this.events.statistics({ caller, trace });
  }

  /** One event. 404 `EVENT_UNKNOWN`, also for one that the caller may not see. */
  @Get(':id')
  @RequireAnyScope(...READING)
  read(
    @ZodParam('id', idSchema) id: string,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<FoundEvent> {
    return this.events.read(id, { caller, trace });
  }
}
