import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { completeEvent } from './audit-event.js';
import { isStorableJson, storableText } from './storable-json.js';

const strings = fc.oneof(
  anyText(),
  fc
    .array(fc.constantFrom('\u0000', '\\', 'u0000', '\ud83d', '\ude00', 'ud83d', '"', 'a'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

describe('JSON that PostgreSQL can keep', () => {
  it('contains neither U+0000 nor a lone surrogate, but may contain both as escaped text', () => {
    fc.assert(
      fc.property(strings, (text) => {
        expect(isStorableJson(JSON.stringify({ [text]: [text] }))).toBe(
          text.isWellFormed() && !text.includes('\u0000'),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('can be made from any text, and is unchanged by a second pass', () => {
    fc.assert(
      fc.property(strings, (text) => {
        const storable = storableText(text);
        expect(isStorableJson(JSON.stringify(storable))).toBe(true);
        expect(storable === text).toBe(isStorableJson(JSON.stringify(text)));
      }),
    );
  });

  it('is required of an event, so that one event cannot fail the group that shares its commit', () => {
    const event = (reference: string) => ({
      type: 'countersign.accounts.transfer.posted.v1',
      subject: 'x',
      data: {
        principal: null,
        txn: null,
        action: 'a:b',
        resource: 'r',
        outcome: 'allowed' as const,
        changes: { reference },
      },
    });
    const complete = (reference: string) =>
      completeEvent(event(reference), '01a21017-bc42-7789-8207-85a72fca3f4c', 'accounts', new Date(0));
    const refused = expect.objectContaining({ code: 'EVENT_INVALID' });
    expect(() => complete('a\u0000b')).toThrow(refused);
    expect(() => complete('a\ud83db')).toThrow(refused);
    expect(complete('a\\u0000b 😀').data.changes).toEqual({ reference: 'a\\u0000b 😀' });
  });
});
