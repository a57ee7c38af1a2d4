import fc from 'fast-check';
import { anyText } from './any-text.js';

const encoded = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."azAZ09-._~!$&'()*+,;=:@"), maxLength: 10 }),
  anyText(10).map(encodeURIComponent),
);
const after = (sign: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(''),
    encoded.map((text) => sign + text),
  );

/** URLs of http and https, with queries and fragments. fast-check's `webUrl` lists all of Unicode before its first one, as `anyText` says. */
export const anyWebUrl = (): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('http', 'https'),
      fc.webAuthority(),
      fc.array(encoded.map((text) => `/${text}`)),
      after('?'),
      after('#'),
    )
    .map(([scheme, authority, path, query, fragment]) => `${scheme}://${authority}${path.join('')}${query}${fragment}`);
