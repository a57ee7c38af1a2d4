import fc from 'fast-check';
import { Cookies, readCookie } from './cookies.service.js';

describe('cookies', () => {
  it('are for this host only under https, and have a plain name on a plain http localhost', () => {
    expect(new Cookies('https://issuer.example').nameOf('session')).toBe('__Host-countersign-session');
    expect(new Cookies('http://127.0.0.1:4000').nameOf('session')).toBe('countersign-session');
  });

  it('are read by their whole name', () => {
    const header = 'other=1; countersign-session=abc_-1; countersign-session-2=x';
    expect(readCookie(header, 'countersign-session')).toBe('abc_-1');
    expect(readCookie(header, 'session')).toBeUndefined();
    expect(readCookie(undefined, 'session')).toBeUndefined();
  });

  it('are ignored if two have the same name, because another host may have planted one', () => {
    expect(readCookie('a=1; a=2', 'a')).toBeUndefined();
    expect(
      readCookie('__Host-countersign-session=own; __Host-countersign-session=', '__Host-countersign-session'),
    ).toBe(undefined);
  });

  it.each(['\u00a0', '\ufeff', '\u000b', '\u000c', '\u0085', '\u2003', '\u3000', '$', '%20', '=', '__secure-', '"'])(
    'are not read from one that a sibling host may set because its name begins differently, with %j (cookie tossing)',
    (before) => {
      const name = '__Host-countersign-session';
      expect(readCookie(`${before}${name}=tossed`, name)).toBeUndefined();
      expect(readCookie(`other=1; ${before}${name}=tossed`, name)).toBeUndefined();
      // It does not sign anybody out either.
      expect(readCookie(`${name}=own;${before}${name}=tossed`, name)).toBe('own');
      expect(readCookie(`${name.toLowerCase()}=tossed; ${name.toUpperCase()}=tossed`, name)).toBeUndefined();
    },
  );

  it('have no value, rather than part of one, if it is too long or not created by this service', () => {
    expect(readCookie(`a=${'x'.repeat(129)}`, 'a')).toBeUndefined();
    expect(readCookie('a="quoted"', 'a')).toBeUndefined();
    expect(readCookie('a=one two', 'a')).toBeUndefined();
  });

  it('have no value that could break a header', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const value = readCookie(`a=${header}`, 'a');
        expect(value ?? 'none').toMatch(/^[\w-]{1,128}$/);
      }),
    );
  });
});
