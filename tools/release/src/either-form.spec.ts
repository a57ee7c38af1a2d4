import { createRequire } from 'node:module';
import { TokenError, TokenRequestError } from '@countersign/auth-core';

/** The built package, which CommonJS applications require. */
const built: unknown = createRequire(import.meta.url)('../../../libs/auth-core/cjs/index.js');

function classOf(name: string): new (...given: unknown[]) => Error {
  const found: unknown = typeof built === 'object' && built !== null && name in built ? Reflect.get(built, name) : 0;
  if (typeof found !== 'function') throw new Error(`the CommonJS form has no ${name}`);
  return class extends (found as new (...given: unknown[]) => Error) {};
}

describe('an error', () => {
  it.each([
    ['TokenError', new TokenError('TOKEN_EXPIRED'), ['TOKEN_EXPIRED']],
    [
      'TokenRequestError',
      new TokenRequestError('NETWORK', 'away', undefined, true),
      ['NETWORK', 'away', undefined, true],
    ],
  ])('of the CommonJS form is a %s of the ES modules, and the other way round', (name, own, given) => {
    const Sub = classOf(name);
    const Other: unknown = Object.getPrototypeOf(Sub);
    const other = new Sub(...given);
    expect(Other).not.toBe(own.constructor);
    expect([other instanceof own.constructor, typeof Other === 'function' && own instanceof Other]).toEqual([
      true,
      true,
    ]);
    expect([own instanceof Sub, other instanceof Sub, own instanceof Error]).toEqual([false, true, true]);
  });

  it('is neither when it is something else', () => {
    for (const other of [new Error('away'), {}, undefined, null, 'TokenError'])
      expect([other instanceof TokenError, other instanceof TokenRequestError]).toEqual([false, false]);
  });
});
