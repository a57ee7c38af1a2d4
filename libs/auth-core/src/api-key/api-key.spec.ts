import fc from 'fast-check';
import {
  apiKeyHash,
  API_KEY_LENGTH_LIMIT,
  API_KEY_PATTERN,
  findApiKeys,
  makeApiKey,
  parseApiKey,
  withoutApiKeys,
} from './api-key.js';
import { fromBase62, toBase62 } from './base62.js';

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${String(length)}}$`));
const id = fc
  .tuple(hex(8), hex(4), hex(3), fc.constantFrom('8', '9', 'a', 'b'), hex(3), hex(12))
  .map(([a, b, c, variant, d, e]) => `${a}-${b}-7${c}-${variant}${d}-${e}`);
const environment = fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/);
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const key = fc.tuple(environment, id, secret).map(([name, keyId, bytes]) => makeApiKey(name, keyId, () => bytes));

/** Computed from the definition, bit by bit. */
function crc32Of(text: string): number {
  let rest = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ ((rest & 1) === 0 ? 0 : 0xedb88320);
  }
  return (rest ^ 0xffffffff) >>> 0;
}

describe('an API key', () => {
  it('states its environment and its id, whatever its secret', () => {
    fc.assert(
      fc.property(environment, id, secret, (name, keyId, bytes) => {
        const made = makeApiKey(name, keyId, () => bytes);
        expect(parseApiKey(made)).toEqual({ environment: name, id: keyId });
        expect(made.length).toBeLessThanOrEqual(API_KEY_LENGTH_LIMIT);
      }),
    );
  });

  it('is refused after any change of one character, and when truncated or extended', () => {
    fc.assert(
      fc.property(key, fc.nat(), fc.stringMatching(/^[ -~]$/), (made, place, character) => {
        const at = place % made.length;
        const changed = made.slice(0, at) + character + made.slice(at + 1);
        if (changed !== made) expect(parseApiKey(changed)).toBeUndefined();
        expect(parseApiKey(made.slice(0, at))).toBeUndefined();
        expect(parseApiKey(made + character)).toBeUndefined();
        expect(parseApiKey(`${made}\n`)).toBeUndefined();
      }),
    );
  });

  it('is refused when any other text claims to be one', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), (text) => {
        expect(parseApiKey(text)).toBeUndefined();
        expect(parseApiKey(`csk_${text}`)).toBeUndefined();
      }),
    );
  });

  it('has the published form: the expression, 256 bits, followed by CRC-32 in base 62', () => {
    const made = makeApiKey('live', '01a21031-6897-71c1-8114-42669a3f0602', () => Buffer.alloc(32, 0xff));
    expect(made).toBe('csk_live_0353R79Fn7gGewpC1XQyA6_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp12YQQJq');
    expect(fromBase62(made.slice(-6))).toBe(BigInt(crc32Of(made.slice(0, -6))));
    expect(/^csk_[a-z][a-z0-9]{1,11}_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$/.test(made)).toBe(true);
  });

  it('can only be made from an environment and a UUIDv7', () => {
    expect(() => makeApiKey('Live', '01a21031-6897-71c1-8114-42669a3f0602')).toThrow(TypeError);
    expect(() => makeApiKey('live', '01a21031-6897-41c1-8114-42669a3f0602')).toThrow(TypeError);
  });

  it('has 256 new random bits each time', () => {
    const made = Array.from({ length: 100 }, () => makeApiKey('test', '01a21031-6897-71c1-8114-42669a3f0602'));
    expect(new Set(made).size).toBe(100);
    expect(new Set(made.map(apiKeyHash)).size).toBe(100);
  });

  it('is found in files wherever it is delimited, each key once, unless its checksum is wrong', () => {
    const around = fc.constantFrom('"', "'", ' ', '\n', '=', ':', ',', '<', '/', '?api_key=');
    fc.assert(
      fc.property(fc.array(fc.tuple(around, key), { maxLength: 5 }), around, (parts, end) => {
        const text = parts.map(([before, made]) => before + made).join(' ') + end;
        expect(findApiKeys(text)).toEqual([...new Set(parts.map(([, made]) => made))]);
        for (const [, made] of parts) expect(withoutApiKeys(text)).not.toContain(made);
      }),
    );
    const [made = ''] = fc.sample(key, { numRuns: 1, seed: 1 });
    expect(findApiKeys(`${made.slice(0, -1)}${made.endsWith('0') ? '1' : '0'}`)).toEqual([]);
    expect(findApiKeys(`x${made} ${made}x`)).toEqual([]);
    expect(API_KEY_PATTERN.flags).toBe('g');
  });
});

describe('base 62', () => {
  it('decodes every number that it encodes, and accepts no other character', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(fromBase62(toBase62(value, 43))).toBe(value);
        expect(toBase62(value, 43)).toHaveLength(43);
      }),
    );
    expect(fromBase62('a-b')).toBeUndefined();
  });
});
