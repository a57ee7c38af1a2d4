import { TokenError } from '../token-error.js';
import { TokenReader } from './token-reader.js';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (sub: string): string => `${part({ alg: 'ES256' })}.${part({ sub })}.AAAA`;

describe('a reader of tokens', () => {
  it('holds the token that it read last, and none after one that it could not read', () => {
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
});
