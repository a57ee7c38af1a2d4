import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { TokenError } from '../token-error.js';
import { decodeBase64url } from './base64url.js';
import { parseJsonObject } from '../json-object.js';
import { scopeSetOf } from './scope-set.js';

const outcome = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  }
};

describe('a JSON object', () => {
  it('is refused when a name is repeated, at any depth and however it is escaped', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '{"x":{"a":1,"a":2}}',
      '{"x":[{"a":1,"a":2}]}',
      '{"act":{"sub":"a","act":{"sub":"b","sub":"c"}}}',
      '{"__proto__":1,"__proto__":2}',
    ]) {
      expect({ text, outcome: outcome(() => parseJsonObject(Buffer.from(text))) }).toEqual({
        text,
        outcome: 'TOKEN_MALFORMED',
      });
    }
  });

  it('is what JSON.parse returns, for any object with distinct names', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText(), fc.jsonValue()), (object) => {
        const bytes = Buffer.from(JSON.stringify(object));
        expect(parseJsonObject(bytes)).toEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 1_000 },
    );
  });

  it('sets no prototype', () => {
    const claims = parseJsonObject(Buffer.from('{"__proto__":{"scope":"admin"},"constructor":1}'));
    expect(claims['scope']).toBeUndefined();
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
  });
});

describe('base64url', () => {
  const strict = (text: string): boolean =>
    /^[A-Za-z0-9_-]+$/.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;

  it('is decoded when it is canonical, and refused otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        expect(decodeBase64url(Buffer.from(bytes).toString('base64url')).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
    const odd = fc.string({ unit: fc.constantFrom(...'ABQgw09-_+/=. \n\t\u0000é😀'), maxLength: 12 });
    fc.assert(
      fc.property(odd, (text) => {
        expect({ text, ok: outcome(() => decodeBase64url(text)) !== 'TOKEN_MALFORMED' }).toEqual({
          text,
          ok: strict(text),
        });
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the scopes of a principal', () => {
  it('are immutable, because all requests with the same scope value share them', () => {
    const scopes = scopeSetOf('a b');
    expect(scopeSetOf('a b')).toBe(scopes);
    expect([...scopes]).toEqual(['a', 'b']);
    expect(scopes instanceof Set && outcomeOfAdding(scopes)).toBe('TypeError');
    expect(scopes.has('admin')).toBe(false);
    expect(scopeSetOf('').size).toBe(0);
  });
});

function outcomeOfAdding(scopes: Set<unknown>): string {
  try {
    scopes.add('admin');
    return 'added';
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}
