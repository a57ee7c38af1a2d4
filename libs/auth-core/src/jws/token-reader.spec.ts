import fc from 'fast-check';
import { parseJsonObject } from '../json-object.js';
import { TokenError } from '../token-error.js';
import { parseCompactJws } from './compact-jws.js';
import { TokenReader } from './token-reader.js';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (sub: string): string => `${part({ alg: 'ES256' })}.${part({ sub })}.AAAA`;

describe('a reader of tokens', () => {
  it('has the last token read, and none after an unreadable one', () => {
    const reader = new TokenReader();
    const [first, second] = [tokenOf('a'), tokenOf('b')];
    expect(reader.holds(first)).toBe(false);
    reader.read(first);
    expect([reader.holds(first), reader.claims()]).toEqual([true, { sub: 'a' }]);
    reader.read(second);
    expect([reader.holds(first), reader.holds(second)]).toEqual([false, true]);
    expect(() => reader.read(`${first}=`)).toThrow(TokenError);
    expect([reader.holds(first), reader.holds(second)]).toEqual([false, false]);
  });

  it('reads each token like a fresh reader, whatever it read before', () => {
    const reader = new TokenReader();
    const claims = fc.dictionary(fc.constantFrom('iss', 'sub', 'jti', 'exp', 'act'), fc.jsonValue(), { maxKeys: 5 });
    const outcome = (act: () => unknown): unknown => {
      try {
        return act();
      } catch (error) {
        return error instanceof TokenError ? error.code : error;
      }
    };
    const odd = fc.constantFrom('', '.', '=', '+', 'AA', '\0');
    fc.assert(
      fc.property(claims, odd, (payload, end) => {
        const token = `${part({ alg: 'ES256' })}.${part(payload)}.AAAA${end}`;
        const own = outcome(() => (reader.read(token), reader.claims()));
        // Undefined members are names that the quick reader knows and the token does not have.
        const read: unknown = typeof own === 'object' ? JSON.parse(JSON.stringify(own)) : own;
        expect(read).toEqual(outcome(() => parseJsonObject(parseCompactJws(token).payload)));
      }),
      { numRuns: 500 },
    );
  });
});
