import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '@countersign/auth-core';
import { readImportedKey } from './key-import.js';

describe('an imported signing key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'import-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (jwk: object) => {
    const path = join(folder, 'key.json');
    writeFileSync(path, JSON.stringify(jwk));
    return readImportedKey(path);
  };

  it('is accepted when it is for signing, and not when its use or key_ops say otherwise', async () => {
    const key = await generateSigningKey();
    for (const says of [{}, { use: undefined }, { key_ops: ['sign', 'verify'] }])
      expect(read({ ...key, ...says }).algorithm).toBe('ES256');
    for (const says of [{ use: 'enc' }, { key_ops: ['verify'] }, { key_ops: [] }, { key_ops: ['sign', 'sign'] }])
      expect(() => read({ ...key, ...says })).toThrow(/must be a signing key; its use or key_ops/);
  });
});
