import fc from 'fast-check';
import { bearerTokenOf, credentialsOf } from './bearer-token.js';

describe('an Authorization header', () => {
  it.each([
    ['Bearer a', 'bearer', 'a'],
    ['bearer a', 'bearer', 'a'],
    ['BEARER  a ', 'bearer', 'a'],
    ['Bearer abc ', 'bearer', 'abc'],
    ['Bearer abc\t', 'bearer', 'abc'],
    ['DPoP a.b.c', 'dpop', 'a.b.c'],
    ['Basic YTpi', 'basic', 'YTpi'],
  ])('%j carries scheme and token', (header, scheme, token) => {
    expect(credentialsOf(header)).toEqual({ scheme, token });
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer  ',
    'Bearer a b',
    'Bearera',
    ' Bearer a',
    'Bearer\ta',
    'Bearer a\nb',
    'Be(arer a',
    null,
    undefined,
  ])('%j carries nothing', (header) => {
    expect(credentialsOf(header)).toBeUndefined();
    expect(() => bearerTokenOf(header)).toThrow('an access token is required');
  });

  it('carries a bearer token under only one scheme', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\w.~+/-]{1,80}$/),
        fc.constantFrom('Bearer', 'bEARER', 'DPoP', 'Basic'),
        (token, scheme) => {
          expect(credentialsOf(`${scheme} ${token}`)?.token).toBe(token);
          if (scheme.toLowerCase() === 'bearer') expect(bearerTokenOf(`${scheme} ${token}`)).toBe(token);
          else expect(() => bearerTokenOf(`${scheme} ${token}`)).toThrow();
        },
      ),
    );
  });
});
