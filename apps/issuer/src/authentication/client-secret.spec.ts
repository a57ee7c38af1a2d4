import { randomBytes, scryptSync } from 'node:crypto';
import { importedSecretSchema, type StoredSecret } from '../registry/stored-secret.js';
import { authenticationWork } from './authentication-work.js';
import { digestOf, makeSecret, matchesDigest, matchesImported } from './client-secret.js';

const key = randomBytes(32);
const stored = (secret: string): StoredSecret => ({
  id: '01a21031-6897-71c1-8114-42669a3f0602',
  digest: digestOf(secret, key),
  created_at: '2026-11-25T00:00:00.000Z',
});

describe('a client secret', () => {
  it('has 256 random bits, and matches its own digest only under the same key', () => {
    const [one, other] = [makeSecret(), makeSecret()];
    expect([Buffer.from(one, 'base64url').length, one === other]).toEqual([32, false]);
    expect(matchesDigest(one, [stored(other), stored(one)], key)).toBe(true);
    expect(matchesDigest(one, [stored(other)], key)).toBe(false);
    expect(matchesDigest(one, [], key)).toBe(false);
    expect(matchesDigest(one, [stored(one)], randomBytes(32))).toBe(false);
  });

  it('from elsewhere matches its scrypt hash', async () => {
    const salt = randomBytes(16);
    const hash = scryptSync('imported', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
    const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
    const imported = importedSecretSchema.parse(`$scrypt$ln=14,r=8,p=1$${text(salt)}$${text(hash)}`);
    expect(await matchesImported('imported', imported)).toBe(true);
    expect(await matchesImported('wrong', imported)).toBe(false);
    expect(importedSecretSchema.safeParse('imported').success).toBe(false);
  });

  it.each([
    ['14', '1', true],
    ['14', '2', true],
    ['15', '1', true],
    ['15', '2', false],
    ['16', '1', false],
    ['17', '4', false],
    ['13', '1', false],
  ])('from elsewhere with ln=%s and p=%s costs what a failure costs, or is not accepted', async (ln, p, taken) => {
    const imported = `$scrypt$ln=${ln},r=8,p=${p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    expect(importedSecretSchema.safeParse(imported).success).toBe(taken);
    const before = authenticationWork.scrypt;
    expect(await matchesImported('wrong', imported)).toBe(false);
    expect(authenticationWork.scrypt - before).toBe(taken ? 1 : 0);
  });
});
