import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
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

describe('a process that imports the packages and requires them too', () => {
  const program = join(import.meta.dirname, 'both-forms.mjs');
  const said: unknown = JSON.parse(execFileSync(process.execPath, [program], { encoding: 'utf8', timeout: 120_000 }));

  it('has two classes of each name, and one symbol, one trace of a request', () => {
    expect(said).toMatchObject({ twoClasses: true, oneTrace: true, symbols: expect.any(Array) });
    expect(said).toHaveProperty('symbols', expect.arrayContaining([{ name: 'auth TOKEN_VERIFIER', same: true }]));
    expect(said).not.toHaveProperty('symbols', expect.arrayContaining([expect.objectContaining({ same: false })]));
  });

  it.each(['importedModules', 'requiredModules'])(
    'guards routes that the other form’s decorators declare, and answers the other form’s problems: %s',
    (which) => {
      expect(said).toHaveProperty(which, {
        read: [200, { readBy: 'ada', requestId: 'r-1' }],
        none: [401, 'TOKEN_MISSING'],
        scope: [403, 'SCOPE_MISSING'],
        sent: [409, 'ORDER_SENT'],
        open: [200, { open: true }],
        undeclared: [403, 'ROUTE_NOT_DECLARED'],
        verifier: 'ada',
      });
    },
  );

  it('does not start where a class of one form is asked of a module of the other, and names the class', () => {
    expect(said).toHaveProperty('refusal', expect.stringMatching(/can't resolve dependencies .*RouteReport/));
  });

  it('finds no symbol in the libraries that only one form knows', () => {
    const libraries = resolve(import.meta.dirname, '../../../libs');
    const alone = globSync('*/src/**/*.ts', { cwd: libraries })
      .filter((file) => !file.includes('.spec.'))
      .filter((file) => /\bSymbol\(/.test(readFileSync(join(libraries, file), 'utf8')));
    expect(alone).toEqual([]);
  });
});
