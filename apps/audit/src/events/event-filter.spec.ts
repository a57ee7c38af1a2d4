import { eventSearchSchema } from './event-search.js';

describe('what a search asks for', () => {
  const id = '01a218c0-12c8-7e3c-89c5-df0017add015';

  it('names a thing by its canonical id, however its letters are written', () => {
    const filter = eventSearchSchema.parse({ resource: `payment/${id.toUpperCase()}`, trace: 'AB'.repeat(16) });
    expect(filter).toMatchObject({ resource: `payment/${id}`, trace: 'ab'.repeat(16) });
    expect(eventSearchSchema.parse({ resource: 'client/Storefront' }).resource).toBe('client/Storefront');
  });

  it('bounds a time by the first millisecond that is not earlier', () => {
    const { from, to } = eventSearchSchema.parse({
      from: '2026-11-26T14:00:49.1699Z',
      to: '2026-11-26T15:00:49.17+01:00',
    });
    expect([from, to]).toEqual(['2026-11-26T14:00:49.170Z', '2026-11-26T14:00:49.170Z']);
  });
});
