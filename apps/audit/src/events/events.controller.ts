import { Controller, Get, Inject } from '@nestjs/common';
import { RequireAnyScope, RequireScopes } from '@countersign/auth';
import { CurrentCaller, idSchema, OpenApi, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import { eventSearchSchema, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { EventSummaryService } from './event-summary.service.js';
import { eventSummarySchema, type EventSummary, type EventSummaryQuery } from './event-summary.js';
import { type EventStatistics } from './event-statistics.js';
import { EventsService } from './events.service.js';
import { READ_ALL, READING } from './visibility.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events')
export class EventsController {
  constructor(
    @Inject(EventsService) private readonly events: EventsService,
    @Inject(EventSummaryService) private readonly summaries: EventSummaryService,
  ) {}

  /**
   * Who viewed or moved what: newest first, `limit` a page (1 to 200), filters by subject, actor, client, action, resource, …, words by `q`.
   * With `audit:read:own` only what the caller's subject did, with `audit:read:client` what any subject did through its client.
   */
  @Get()
  @RequireAnyScope(...READING)
  search(@ZodQuery(eventSearchSchema) search: EventSearch, @CurrentCaller() caller: Caller): Promise<EventPage> {
    return this.events.search(search, caller);
  }

  /** How many events there are: in all, by source, by outcome. */
  @Get('stats')
  @RequireScopes(READ_ALL)
  statistics(@CurrentCaller() caller: Caller): Promise<EventStatistics> {
    return this.events.statistics(caller);
  }

  /** How many events match, over time (`buckets`, 1 to 120) and by their values; filters as in a search. Of very many it is an estimate by the index. */
  @Get('summary')
  @RequireAnyScope(...READING)
  summarise(
    @ZodQuery(eventSummarySchema) query: EventSummaryQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<EventSummary> {
    return this.summaries.summarise(query, caller);
  }

  /** One event. 404 `EVENT_UNKNOWN`, also if the caller may not see it. */
  @Get(':id')
  @RequireAnyScope(...READING)
  read(@ZodParam('id', idSchema) id: string, @CurrentCaller() caller: Caller): Promise<FoundEvent> {
    return this.events.read(id, caller);
  }
}
