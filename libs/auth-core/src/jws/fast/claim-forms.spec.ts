import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { parseJsonObject, type JsonObject } from '../../json-object.js';
import { TokenError } from '../../token-error.js';
import { ClaimForms } from './claim-forms.js';

const whole = (text: string): unknown => {
  try {
    return parseJsonObject(Buffer.from(text));
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  }
};

/** One issuer's tokens, read one after the other as a verifier does. */
class Tokens {
  readonly #forms = new ClaimForms();
  /** How many were read by their form. */
  known = 0;

  read(text: string): unknown {
    const bytes = Buffer.concat([Buffer.from(text), Buffer.of(0)]);
    const length = bytes.length - 1;
    const latin1 = bytes.toString('latin1', 0, length);
    const claims = this.#forms.read(bytes, length, latin1);
    if (claims !== undefined) {
      this.known += 1;
      return claims;
    }
    const parsed = whole(text);
    if (typeof parsed === 'object') this.#forms.add(bytes, length, latin1, parseJsonObject(bytes.subarray(0, length)));
    return parsed;
  }
}

const keycloak = (more: JsonObject = {}): string =>
  JSON.stringify({
    exp: 1_800_000_300,
    jti: 'onrtac:1',
    aud: ['orders', 'account'],
    sub: 'ada',
    verified: true,
    none: null,
    realm_access: { roles: ['operator'] },
    resource_access: { account: { roles: ['view'] } },
    scope: 'openid orders:read',
    ...more,
  });

/** Tokens of the form, until each of its members has differed once. */
function taught(): Tokens {
  const tokens = new Tokens();
  const others: JsonObject = {
    exp: 7,
    jti: 'x',
    aud: 'orders',
    sub: 'eve',
    verified: false,
    none: 1,
    realm_access: {},
    resource_access: [],
    scope: '',
  };
  for (const [name, value] of Object.entries(others))
    for (let time = 0; time < 4; time += 1) tokens.read(keycloak({ [name]: value }));
  return tokens;
}

describe('the reader by forms', () => {
  it('reads an issuer’s tokens by their common parts, whatever differs', () => {
    const tokens = taught();
    const before = tokens.known;
    const rows = [
      {},
      { sub: 'bob', jti: 'onrtac:2', exp: 1_800_000_301 },
      { realm_access: { roles: [] }, verified: false, aud: 'account' },
      { resource_access: { account: { roles: ['view', 'edit'] }, orders: { roles: ['clerk'] } } },
    ];
    for (const row of rows) expect(tokens.read(keycloak(row))).toEqual(JSON.parse(keycloak(row)));
    expect(tokens.known - before).toBe(rows.length);
  });

  it('keeps several forms, and drops unused ones', () => {
    const tokens = new Tokens();
    const forms = Array.from({ length: 9 }, (_, index) => `{"sub":"ada","claim${String(index)}":1}`);
    for (const form of forms) for (let time = 0; time < 6; time += 1) expect(tokens.read(form)).toEqual(whole(form));
    const before = tokens.known;
    for (const form of forms.slice(-4)) tokens.read(form);
    expect(tokens.known - before).toBe(4);
  });

  it('gives each token its own claims, whose lists and objects nobody can change', () => {
    const tokens = taught();
    const [one, other] = [tokens.read(keycloak()), tokens.read(keycloak())];
    expect(one).not.toBe(other);
    if (typeof one !== 'object' || one === null) throw new Error('no claims');
    Reflect.set(one, 'sub', 'mallory');
    expect(tokens.read(keycloak())).toMatchObject({ sub: 'ada' });
    const roles: unknown = Reflect.get(Reflect.get(one, 'realm_access'), 'roles');
    if (!Array.isArray(roles)) throw new Error('no roles');
    expect(() => roles.push('admin')).toThrow(TypeError);
  });

  it.each([
    keycloak().replace('"sub":"ada"', '"sub":"ada","sub":"eve"'),
    keycloak().replace('["operator"]', '["operator"],"roles":["admin"]'),
    keycloak().replace('["operator"]', '["operator"'),
    keycloak().replace('["operator"]', '["operator",]'),
    keycloak().replace('["operator"]}', '["operator"]]'),
    keycloak().replace('true', 'tru'),
    keycloak().replace('true', 'trueish'),
    keycloak().replace('1800000300', '01'),
    keycloak().replace('1800000300', '1e3'),
    keycloak().replace('1800000300', '-1'),
    keycloak().replace('1800000300', '18000003001800000300'),
    keycloak().replace('ada', 'a\\u0064a'),
    keycloak().replace('ada', 'adé'),
    keycloak().replace('ada', 'a\u0000a'),
    keycloak().replace('"ada"', '"ada" '),
    keycloak().replace('"ada"', '"ada'),
    keycloak().slice(0, -1),
    `${keycloak()} `,
    `${keycloak()}}`,
    keycloak().replace('"sub"', '"__proto__"'),
    '{"__proto__":{"sub":"eve"}}',
    '{"2":1,"1":2}',
    '{}',
    '[]',
    '',
  ])('agrees with the full parser about %j, however often it occurs', (text) => {
    const tokens = taught();
    for (let time = 0; time < 6; time += 1) expect(tokens.read(text)).toEqual(whole(text));
  });

  it('never differs from the full parser', () => {
    const value = fc.oneof(
      anyText(),
      fc.maxSafeNat(),
      fc.double(),
      fc.jsonValue(),
      fc.constantFrom(true, false, null, ['a'], { roles: ['b'] }),
    );
    const names = ['iss', 'sub', 'aud', 'exp', 'roles'];
    const members = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), value), { maxLength: 6 });
    const written = members.map(
      (list) => `{${list.map(([name, held]) => `${JSON.stringify(name)}:${JSON.stringify(held)}`).join(',')}}`,
    );
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 4 }), (texts) => {
        const tokens = new Tokens();
        const often = [...texts, ...texts, ...texts, ...texts];
        expect(often.map((text) => tokens.read(text))).toEqual(often.map(whole));
      }),
      { numRuns: 500 },
    );
    const tokens = taught();
    const good = keycloak();
    const change = fc.tuple(fc.nat(good.length), fc.string({ maxLength: 2, unit: 'binary-ascii' }), fc.nat(2));
    fc.assert(
      fc.property(change, ([index, put, cut]) => {
        const text = good.slice(0, index) + put + good.slice(index + cut);
        expect(tokens.read(text)).toEqual(whole(text));
      }),
      { numRuns: 5_000 },
    );
    expect(tokens.known).toBeGreaterThan(500);
  });
});
