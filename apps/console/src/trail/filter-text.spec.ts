import { eventFilters } from '@countersign/audit-event';
import fc from 'fast-check';
import { filterTextOf, parseFilterText } from './filter-text.js';
import { trailSearchOf } from '../filters/trail-search.js';

describe('a typed line of filters', () => {
  it('names filters, and looks for the rest in the texts of events', () => {
    expect(parseFilterText('client:storefront outcome:denied refund "two words"')).toEqual({
      search: { client: 'storefront', outcome: 'denied', q: 'refund two words' },
      fault: undefined,
    });
  });

  it('keeps colons in values, and in words that are no filter', () => {
    expect(parseFilterText('subject:person:01a2 payments:create').search).toEqual({
      subject: 'person:01a2',
      q: 'payments:create',
    });
  });

  it('says what is wrong in words', () => {
    expect(parseFilterText('outcome:great').fault).toBe('outcome must be allowed, denied, failed');
    expect(parseFilterText('client:').fault).toContain('client:value');
    expect(parseFilterText('from:yesterday').fault).toContain('from must be a time');
    expect(parseFilterText('from:-3h to:"2026-11-26 14:00"').fault).toBeUndefined();
  });

  it('is read as it was written, whatever the values are', () => {
    const text = fc.oneof(fc.string({ minLength: 1, maxLength: 40 }), fc.stringMatching(/^[a"\\ ]{1,8}$/));
    const value = text.filter((one) => one.trim() === one);
    const outcome = fc.constantFrom('allowed', 'denied', 'failed');
    const fields = eventFilters.map((name) => [name, name === 'outcome' ? outcome : value] as const);
    const filters = fc.record(Object.fromEntries(fields), { requiredKeys: [] });
    fc.assert(
      fc.property(filters, (given) => {
        const search = trailSearchOf(given);
        expect(trailSearchOf(parseFilterText(filterTextOf(search)).search)).toEqual(search);
      }),
    );
  });
});

describe('an address of the trail', () => {
  it('leaves out what it says wrongly, and breaks on nothing', () => {
    expect(trailSearchOf({ outcome: 'great', live: 'yes', client: 'a', subject: '', extra: 'x' })).toEqual(
      trailSearchOf({ client: 'a' }),
    );
    // What is not a time does not narrow, and so is not shown as if it did.
    expect(trailSearchOf({ from: 'yesterday', to: '-1h' })).toEqual(trailSearchOf({ to: '-1h' }));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (search) => {
        trailSearchOf(search);
      }),
    );
  });
});
