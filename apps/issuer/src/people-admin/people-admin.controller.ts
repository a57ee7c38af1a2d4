import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import {
  CurrentCaller,
  OpenApi,
  TakesIdempotencyKey,
  ZodParam,
  ZodQuery,
  type Caller,
} from '@countersign/service-host';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { personIdSchema, type PersonId } from '../people/person.js';
import { sessionIdSchema, type SessionId } from '../sessions/session.js';
import { PeopleAdmin } from './people-admin.service.js';
import { peopleQuerySchema, type PeoplePage, type PeopleQuery, type PersonDetailJson } from './person-json.js';

/** The administrator's side of people: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('people'))
@Controller('admin/people')
@RequireScopes('issuer:admin')
export class PeopleAdminController {
  constructor(@Inject(PeopleAdmin) private readonly people: PeopleAdmin) {}

  /** People who have signed in, sorted by id, that is, by first sign-in; `limit` per page (1 to 200); continue with `next_cursor`. */
  @Get()
  list(@ZodQuery(peopleQuerySchema) query: PeopleQuery, @CurrentCaller() caller: Caller): Promise<PeoplePage> {
    return this.people.list(query, caller);
  }

  /** A person with live sessions and what they allowed applications. 404 `PERSON_UNKNOWN`. */
  @Get(':id')
  read(@ZodParam('id', personIdSchema) id: PersonId, @CurrentCaller() caller: Caller): Promise<PersonDetailJson> {
    return this.people.read(id, caller);
  }

  /** Ends all sessions and delegations of a person, immediately everywhere; they may sign in again. 404 `PERSON_UNKNOWN`. */
  @Post(':id/end-sessions')
  @TakesIdempotencyKey({ action: 'person:end-sessions', kind: 'person' } satisfies IssuerRoute)
  @HttpCode(200)
  endAll(@ZodParam('id', personIdSchema) id: PersonId, @CurrentCaller() caller: Caller): Promise<PersonDetailJson> {
    return this.people.endAll(id, caller);
  }

  /**
   * Ends one session of a person, with all that was allowed in it, immediately everywhere. 404 `PERSON_UNKNOWN`; 404 `SESSION_UNKNOWN` for a session
   * that the person does not have, or that has ended.
   */
  @Post(':id/sessions/:session/end')
  @TakesIdempotencyKey({ action: 'session:end', kind: 'session' } satisfies IssuerRoute)
  @HttpCode(200)
  endSession(
    @ZodParam('id', personIdSchema) id: PersonId,
    @ZodParam('session', sessionIdSchema) session: SessionId,
    @CurrentCaller() caller: Caller,
  ): Promise<PersonDetailJson> {
    return this.people.endSession(id, session, caller);
  }

  /** Disables a person: sessions and delegations end, tokens about them are refused everywhere, and they cannot sign in. 404 `PERSON_UNKNOWN`. */
  @Post(':id/disable')
  @TakesIdempotencyKey({ action: 'person:disable', kind: 'person' } satisfies IssuerRoute)
  @HttpCode(200)
  disable(@ZodParam('id', personIdSchema) id: PersonId, @CurrentCaller() caller: Caller): Promise<PersonDetailJson> {
    return this.people.disable(id, caller);
  }

  /** Lets a disabled person sign in again. 404 `PERSON_UNKNOWN`. */
  @Post(':id/enable')
  @TakesIdempotencyKey({ action: 'person:enable', kind: 'person' } satisfies IssuerRoute)
  @HttpCode(200)
  enable(@ZodParam('id', personIdSchema) id: PersonId, @CurrentCaller() caller: Caller): Promise<PersonDetailJson> {
    return this.people.enable(id, caller);
  }
}
