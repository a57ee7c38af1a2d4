import { personIdSchema } from '../people/person.js';
import { type PersonRow } from '../people/people.tables.js';
import { sessionIdSchema } from '../sessions/session.js';
import { type SessionRow } from '../sessions/sessions.tables.js';
import { PERSON_DETAIL_LIMIT, personDetailJson } from './person-json.js';

const now = new Date(0);
const personId = personIdSchema.parse('person:0190a000-0000-7000-8000-000000000001');
const person: PersonRow = {
  ...{
    id: personId,
    issuer: 'https://idp.test',
    subject: 's',
    provider: 'Company',
    name: 'Ada',
    email: null,
    roles: [],
  },
  ...{ disabledAt: null, disabledBy: null, createdAt: now, signedInAt: now },
};
const session: SessionRow = {
  ...{ id: sessionIdSchema.parse('0190a000-0000-7000-8000-000000000002'), secretDigest: 'd', personId, issuer: 'i' },
  ...{ providerSession: null, providerHint: null, authenticatedAt: now, acr: null, amr: [], device: 'd', network: 'n' },
  ...{ createdAt: now, seenAt: now, endedAt: null, endedBy: null },
};
const shown = (sessions: number) => {
  const detail = personDetailJson(
    person,
    Array.from({ length: sessions }, () => session),
    [],
  );
  return [detail.sessions.length, detail.more_sessions, detail.more_delegations];
};

it('a person in the admin API says whether there are more sessions than it lists', () => {
  expect(shown(PERSON_DETAIL_LIMIT)).toEqual([PERSON_DETAIL_LIMIT, false, false]);
  expect(shown(PERSON_DETAIL_LIMIT + 1)).toEqual([PERSON_DETAIL_LIMIT, true, false]);
});
