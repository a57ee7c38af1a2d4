import { QueryClient } from '@tanstack/react-query';
import { sessionQuery, type Session } from '../api/session.js';
import { forgetAtNewPerson } from './one-person.js';

const sessionOf = (id: string): Session => ({
  ...{ person: { id, name: id, roles: [] }, scopes: [] },
  ...{ signedInAt: '2026-11-26T10:00:00Z', endsAt: '2026-11-26T18:00:00Z' },
});

it('data loaded for one person is not shown to another who signed in in another tab', () => {
  const queries = new QueryClient();
  const stop = forgetAtNewPerson(queries);
  const signedIn = (session: Session | null) => queries.setQueryData(sessionQuery.queryKey, session);
  const shown = () => queries.getQueryData(['events']);
  signedIn(sessionOf('ada'));
  queries.setQueryData(['events'], 'of ada');
  signedIn(null);
  signedIn(sessionOf('ada'));
  expect(shown()).toBe('of ada');
  signedIn(sessionOf('grace'));
  expect([shown(), queries.getQueryData(sessionQuery.queryKey)?.person.id]).toEqual([undefined, 'grace']);
  queries.setQueryData(['events'], 'of grace');
  signedIn({ ...sessionOf('grace'), scopes: ['audit:read'] });
  expect(shown()).toBe('of grace');
  stop();
  queries.clear();
});
