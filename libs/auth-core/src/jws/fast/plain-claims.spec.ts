import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { TokenError } from '../../token-error.js';
import { parseJsonObject } from '../../json-object.js';
import { nameTableOf, readPlainClaims } from './plain-claims.js';

const outcome = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  }
};

const plain = (text: string) => {
  const bytes = Buffer.from(text);
  return readPlainClaims(Buffer.concat([bytes, Buffer.of(0)]), bytes.length, bytes.toString('latin1'));
};

const knownNames = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'txn',
  'act',
  'roles',
].concat(['kind', 'auth_time', 'acr', 'amr']);
const value = fc.oneof(
  anyText(),
  fc.string(),
  fc.integer(),
  fc.maxSafeNat(),
  fc.double(),
  fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }),
  fc.record({ sub: fc.string() }),
  fc.record({ sub: fc.string(), client_id: fc.string() }),
  fc.jsonValue(),
);
const members = fc.array(
  fc.tuple(
    fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...knownNames) }, { weight: 1, arbitrary: fc.string() }),
    value,
  ),
  { maxLength: 17 },
);
/** JSON in any spelling, repeated names included. */
const written = members.map(
  (list) => `{${list.map(([name, held]) => `${JSON.stringify(name)}:${JSON.stringify(held)}`).join(',')}}`,
);

describe('the fast reader of claims', () => {
  it('reads what an issuer writes', () => {
    const text =
      '{"iss":"i","exp":300,"act":{"sub":"payments"},"roles":["clerk","teller"],"kind":"person","auth_time":7,"acr":"1","amr":["pwd","otp"]}';
    expect(plain(text)).toMatchObject({
      kind: 'person',
      auth_time: 7,
      acr: '1',
      amr: ['pwd', 'otp'],
      iss: 'i',
      exp: 300,
      act: { sub: 'payments' },
      roles: ['clerk', 'teller'],
      sub: undefined,
    });
  });

  it('does not confuse a value with a frequent one that is its prefix or extends it', () => {
    const often = '{"iss":"issuer","aud":"orders","client_id":"shop","scope":"a b","exp":300}';
    for (let time = 0; time < 20; time += 1) expect(plain(often)).toEqual(expect.objectContaining(JSON.parse(often)));
    for (const scope of ['', 'a', 'a ', 'a b ', 'a bc', 'b b', 'a b\u007f', 'a c']) {
      const text = JSON.stringify({ iss: 'issuer', aud: 'orders', client_id: 'shop', scope, exp: 300 });
      expect(plain(text)).toEqual(expect.objectContaining({ scope, exp: 300 }));
    }
    expect(plain('{"scope":"a b"x}')).toBeUndefined();
    expect(plain('{"scope":"a b","scope":"a b"}')).toBeUndefined();
    expect(plain('{"scope":"a b')).toBeUndefined();
  });

  it('never differs from the full parser', () => {
    const agree = (text: string): void => {
      const quick = plain(text);
      if (quick === undefined) return;
      const held = Object.fromEntries(Object.entries(quick).filter(([, member]) => member !== undefined));
      expect(held).toEqual(outcome(() => parseJsonObject(Buffer.from(text))));
    };
    fc.assert(fc.property(written, agree), { numRuns: 3_000 });
    const good =
      '{"iss":"i","exp":300,"act":{"sub":"p"},"roles":["a","b"],"scope":"a b","kind":"person","auth_time":7,"amr":["c"]}';
    fc.assert(
      fc.property(
        fc.nat(good.length),
        fc.string({ maxLength: 2, unit: 'binary-ascii' }),
        fc.nat(2),
        (index, put, cut) => {
          agree(good.slice(0, index) + put + good.slice(index + cut));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it.each([
    '',
    '{}',
    '{"iss":"i"',
    '{"iss":"i"} ',
    '{"iss":"i"}\u0000',
    '{"iss":"i","iss":"i"}',
    '{"iss":"\\u0069"}',
    '{"iss":"\u0001"}',
    '{"iss":"é"}',
    '{"exp":01}',
    '{"exp":1e3}',
    '{"exp":1.5}',
    '{"exp":-1}',
    '{"exp":}',
    '{"exp":1234567890123456}',
    '{"roles":[]}',
    '{"roles":["a",]}',
    '{"amr":[]}',
    '{"amr":[1]}',
    '{"auth_time":1.5}',
    '{"act":{"sub":"a","sub":"b"}}',
    '{"other":"x"}',
    '{"iss":"i",}',
    '[1]',
  ])('leaves %j to the full parser', (text) => {
    expect(plain(text)).toBeUndefined();
  });
});

describe('the table of names', () => {
  const placesOf = (names: readonly string[]): number =>
    nameTableOf(names).slots.filter((name) => name !== undefined).length;

  it('has a slot for each claim that issuers write, and for likely future ones', () => {
    const more = ['email', 'entitlements', 'groups', 'cnf', 'azp', 'sid', 'nonce', 'tenant', 'name'];
    expect(placesOf(knownNames)).toBe(knownNames.length);
    expect(placesOf([...knownNames, ...more])).toBe(knownNames.length + more.length);
  });

  it("omits a name whose first three characters collide with another's, without failing", () => {
    expect(placesOf(['groups', 'group_ids'])).toBe(1);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), (names) => {
        expect(placesOf(names)).toBeLessThanOrEqual(names.length);
      }),
      { numRuns: 20 },
    );
  });
});
