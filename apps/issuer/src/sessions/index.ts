import { type Provider } from '@nestjs/common';
import { FormToken } from '../pages/form-token.service.js';
import { PageFilter } from '../pages/page.filter.js';
import { PeopleStore } from '../people/people.store.js';
import { Cookies } from '../cookies/cookies.service.js';
import { SESSION_TIMES, type SessionTimes } from './session.js';
import { SessionEnds } from './session-ends.service.js';
import { Sessions } from './sessions.service.js';
import { SessionsStore } from './sessions.store.js';

/** People, their sessions, and what pages need. */
export function sessionProviders(times: SessionTimes): readonly Provider[] {
  return [
    { provide: SESSION_TIMES, useValue: times },
    PeopleStore,
    SessionsStore,
    Cookies,
    Sessions,
    SessionEnds,
    FormToken,
    PageFilter,
  ];
}
