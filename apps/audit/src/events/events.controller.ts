import { Controller, Get, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { Trace, ZodParam, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { z } from 'zod';
import { eventSearchSchema, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { EventsService } from './events.service.js';

@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(@Inject(EventsService) private readonly events: EventsService) {}

  /** Who viewed or moved what: newest first, `limit` a page (1 to 200), filters by subject, actor, client, action, resource, … */
  @Get()
  @RequireScopes('audit:read')
  search(
    @ZodQuery(eventSearchSchema) search: EventSearch,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<EventPage> {
    return this.events.search(search, caller, trace);
  }

  /** One event. 404 `EVENT_UNKNOWN`. */
  @Get(':id')
  @RequireScopes('audit:read')
  read(
    @ZodParam('id', z.uuid()) id: string,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<FoundEvent> {
    return this.events.read(id, caller, trace);
  }
}
