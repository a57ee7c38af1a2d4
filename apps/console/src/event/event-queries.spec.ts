import { QueryClient } from '@tanstack/react-query';
import { relatedQuery, tokenQuery } from './event-queries.js';

const principal = { subject: 'shop', client_id: 'shop', actors: [], scopes: [], jti: 'j' };

function found(index: number, type: string, resource: string, changes: object) {
  const data = { principal, txn: null, action: 'a', resource, outcome: 'allowed', changes };
  const time = '2026-11-26T10:00:00.000Z';
  const event = { id: String(index), source: 'issuer', type, time, subject: resource, sequence: '1', data };
  return { log_index: String(index), received_at: time, event };
}

/** The server: what it has of the types that are asked for, newest first. */
function serving(events: readonly ReturnType<typeof found>[], next: string | null = null): void {
  jest.spyOn(globalThis, 'fetch').mockImplementation((input) => {
    const { searchParams } = new URL(input instanceof Request ? input.url : String(input), 'http://console.test');
    const [type, limit] = [searchParams.get('type'), Number(searchParams.get('limit'))];
    const shown = events.filter(({ event }) => type === null || event.type === type).slice(0, limit);
    return Promise.resolve(Response.json({ events: shown, next_cursor: next }));
  });
}

afterEach(() => {
  jest.restoreAllMocks();
});

it('the event behind a token is the one by which it was issued, however often it was introspected since', async () => {
  const [introspected, issued] = ['countersign.issuer.token.introspected.v1', 'countersign.issuer.token.issued.v1'];
  const later = Array.from({ length: 30 }, (_, at) => found(40 - at, introspected, 'token/abc', {}));
  const other = found(6, issued, 'audience/x', { jti: 'def', subject_token: 'partner abc' });
  serving([...later, other, found(5, issued, 'audience/x', { jti: 'abc' })]);
  expect(await new QueryClient().fetchQuery(tokenQuery('abc'))).toMatchObject({ log_index: '5' });
});

it('of a long transaction it is known that older events are left out', async () => {
  serving([found(2, 't', 'x/1', {}), found(1, 't', 'x/1', {})], '1');
  const { events, isCut } = await new QueryClient().fetchQuery(relatedQuery('txn', 't'));
  expect([events.map(({ log_index: index }) => index), isCut]).toEqual([['1', '2'], true]);
  serving([found(1, 't', 'x/1', {})]);
  expect(await new QueryClient().fetchQuery(relatedQuery('txn', 't'))).toMatchObject({ isCut: false });
});
