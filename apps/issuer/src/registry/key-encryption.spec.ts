import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { keyEncryptionKeysSchema, LocalKeyEncryption } from './key-encryption.js';

const kek = (id: string) => ({ id, key: randomBytes(32) });

describe('encryption at rest', () => {
  it('opens what it sealed, for the same purpose, and nothing altered', async () => {
    const encryption = new LocalKeyEncryption([kek('a')]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.nat(), async (bytes, at) => {
        const secret = Buffer.from(bytes);
        const sealed = await encryption.seal(secret, 'signing key 1');
        expect((await encryption.open(sealed, 'signing key 1')).equals(secret)).toBe(true);
        await expect(encryption.open(sealed, 'signing key 2')).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
        const raw = Buffer.from(sealed.ciphertext, 'base64url');
        raw.writeUInt8(raw.readUInt8(at % raw.length) ^ 1, at % raw.length);
        const altered = { ...sealed, ciphertext: raw.toString('base64url') };
        await expect(encryption.open(altered, 'signing key 1')).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
      }),
    );
  });

  it('opens under an earlier key while that one is configured', async () => {
    const [old, next] = [kek('old'), kek('next')];
    const sealed = await new LocalKeyEncryption([old]).seal(Buffer.from('secret'), 'x');
    const both = new LocalKeyEncryption([next, old]);
    const again = await both.seal(await both.open(sealed, 'x'), 'x');
    expect([both.current, again.kek]).toEqual(['next', 'next']);
    await expect(new LocalKeyEncryption([next]).open(sealed, 'x')).rejects.toMatchObject({ code: 'KEK_UNKNOWN' });
  });

  it('reads its keys from text, and refuses anything else', () => {
    const key = randomBytes(32).toString('base64url');
    expect(keyEncryptionKeysSchema.parse(`b:${key}, a:${key}`).map(({ id }) => id)).toEqual(['b', 'a']);
    for (const bad of ['', key, `a:${key.slice(1)}`, `a:${key},a:${key}`]) {
      expect(keyEncryptionKeysSchema.safeParse(bad).success).toBe(false);
    }
  });
});
