import fc from 'fast-check';
import { TokenError } from '../token-error.js';
import { decodeBase64url } from './base64url.js';
import { derToRaw, rawToDer } from './ecdsa-encoding.js';
import { parseJsonObject } from './json-object.js';
import { readPlainClaims } from './plain-claims.js';
import { scopeSetOf } from './scope-set.js';

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

const knownNames = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'txn', 'act', 'roles'];
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
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
  { maxLength: 13 },
);
/** JSON as it could be written, names repeated and all. */
const written = members.map(
  (list) => `{${list.map(([name, held]) => `${JSON.stringify(name)}:${JSON.stringify(held)}`).join(',')}}`,
);

describe('the quick reader of claims', () => {
  it('reads what an issuer writes', () => {
    expect(plain('{"iss":"i","exp":300,"act":{"sub":"payments"},"roles":["clerk","teller"]}')).toMatchObject({
      iss: 'i',
      exp: 300,
      act: { sub: 'payments' },
      roles: ['clerk', 'teller'],
      sub: undefined,
    });
  });

  it('takes no value for one that came often before and only begins like it, or goes on', () => {
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

  it('never says anything else than the whole parser', () => {
    const agree = (text: string): void => {
      const quick = plain(text);
      if (quick === undefined) return;
      const held = Object.fromEntries(Object.entries(quick).filter(([, member]) => member !== undefined));
      expect(held).toEqual(outcome(() => parseJsonObject(Buffer.from(text))));
    };
    fc.assert(fc.property(written, agree), { numRuns: 3_000 });
    const good = '{"iss":"i","exp":300,"act":{"sub":"p"},"roles":["a","b"],"scope":"a b"}';
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
    '{"act":{"sub":"a","sub":"b"}}',
    '{"other":"x"}',
    '{"iss":"i",}',
    '[1]',
  ])('leaves %j to the whole parser', (text) => {
    expect(plain(text)).toBeUndefined();
  });
});

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

  it('is what JSON.parse says for any object whose names differ', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (object) => {
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

describe('ECDSA signatures', () => {
  it('keep r and s from raw to DER and back', () => {
    const half = fc
      .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(32))
      .map(([bytes, zeros]) => bytes.fill(0, 0, zeros));
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Buffer.concat([r, s]);
        const der = rawToDer(raw);
        expect(der[1]).toBe(der.length - 2);
        expect(derToRaw(der).equals(raw)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the scopes of a principal', () => {
  it('cannot be changed: all requests with the same scope value share them', () => {
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
