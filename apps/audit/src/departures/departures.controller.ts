import { Controller, Get, Inject } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodQuery, type Caller } from '@countersign/service-host';
import { READ_ALL } from '../events/visibility.js';
import { departuresQuerySchema, type Departure, type DeparturesQuery } from './departure.js';
import { Departures } from './departures.service.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events/departures')
export class DeparturesController {
  constructor(@Inject(Departures) private readonly departures: Departures) {}

  /**
   * Which of some people, clients and API keys (`of=person/<id>`, `of=client/<id>`, `of=api-key/<id>`; at most 100) were disabled or revoked and
   * have not returned, according to the issuer's events; active ones are left out.
   */
  @Get()
  @RequireScopes(READ_ALL)
  async read(
    @ZodQuery(departuresQuerySchema) query: DeparturesQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<{ readonly departures: readonly Departure[] }> {
    return { departures: await this.departures.of(query, caller) };
  }
}
