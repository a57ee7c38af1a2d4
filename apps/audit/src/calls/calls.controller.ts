import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodQuery, type Caller } from '@countersign/service-host';
import { READ_ALL } from '../events/visibility.js';
import { callMapSchema, type CallMap, type CallMapQuery } from './call-map.js';
import { CallsService } from './calls.service.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events/calls')
export class CallsController {
  constructor(@Inject(CallsService) private readonly calls: CallsService) {}

  /**
   * Who called whom in a period, in whole hours (the last 24 by default, 400 days at most): events by outcome for each pair of client and service,
   * and how long their transactions took. 400 `PERIOD_TOO_LONG`.
   */
  @Get()
  @RequireScopes(READ_ALL)
  read(@ZodQuery(callMapSchema) query: CallMapQuery, @CurrentCaller() caller: Caller): Promise<CallMap> {
    return this.calls.read(query, caller);
  }
}
