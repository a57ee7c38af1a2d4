import { proofSearchOf } from './proof-search.js';
import { eventsOfPage } from './shown-events.js';

it("a page of the trail's filters is asked for as the server takes them", async () => {
  const fetched = jest.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ events: [] }));
  const { event, ...search } = proofSearchOf({ from: '-24h', to: 'soon', client: 'shop', columns: 'who', live: '1' });
  expect([await eventsOfPage(search, Date.parse('2026-11-26T10:00:00Z')), event]).toEqual([[], undefined]);
  const [input] = fetched.mock.calls[0] ?? [];
  const said = new URL(input instanceof Request ? input.url : String(input), 'http://console.test').searchParams;
  expect(Object.fromEntries(said)).toEqual({ client: 'shop', from: '2026-11-25T10:00:00.000Z', limit: '50' });
  fetched.mockRestore();
});
