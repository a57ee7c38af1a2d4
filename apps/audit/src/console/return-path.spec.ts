import fc from 'fast-check';
import { returnPathOf } from './return-path.js';

const ORIGIN = 'https://audit.test';

describe('where a browser goes after a sign-in', () => {
  it('is the page that it came from', () => {
    for (const path of ['/', '/event/17', '/?subject=person:01a2&from=-1h', '/proof#tile', '/?q=caf%C3%A9'])
      expect(returnPathOf(path, ORIGIN)).toBe(path);
  });

  it.each([
    ['another host', 'https://evil.test/'],
    ['another host without a scheme', '//evil.test/'],
    ['another host behind backslashes', '/\\evil.test/'],
    ['another host behind more of them', '\\\\evil.test'],
    ['another host behind a tab, which browsers drop', '/\t/evil.test'],
    ['another host behind dots', '/..//evil.test'],
    ['a script', 'javascript:alert(1)'],
    ['what is no path', 'evil.test'],
    ['another header', '/\r\nset-cookie: a=b'],
    ['the sign-in itself, which would go round in circles', '/console/sign-in?return_to=/'],
    ['the sign-in behind dots', '/x/../console/sign-out'],
    ['more than an address holds', `/${'a'.repeat(3_000)}`],
    ['nothing', undefined],
  ])('is never %s', (_, wanted) => {
    expect(returnPathOf(wanted, ORIGIN)).toBe('/');
  });

  it('is always at the console, whatever is requested', () => {
    const part = fc.constantFrom('/', '\\', '.', '..', ':', '@', 'evil.test', '?', '#', '%2f', 'https:', '\t', 'a');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const url = new URL(returnPathOf(`/${parts.join('')}`, ORIGIN), ORIGIN);
        return url.origin === ORIGIN && !url.pathname.startsWith('/console/');
      }),
    );
  });
});
