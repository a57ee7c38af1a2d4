import { generateKeyPairSync } from 'node:crypto';
import { logKeyVariable } from './log-signer.js';

describe('the variable of the log’s key', () => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const read = (says: object) => logKeyVariable.safeParse(JSON.stringify({ ...jwk, ...says }));

  it('accepts an Ed25519 private key as JWK, including one marked for signing', () => {
    for (const says of [{}, { use: 'sig' }, { key_ops: ['sign'] }]) expect(read(says).success).toBe(true);
  });

  it('uses no key meant for another purpose', () => {
    for (const says of [{ use: 'enc' }, { key_ops: ['verify'] }, { key_ops: ['deriveBits'] }, { key_ops: 'sign' }])
      expect(read(says).error?.message).toMatch(/must be a signing key; its use or key_ops/);
  });

  it('accepts no key of another kind', () => {
    for (const says of [{ crv: 'X25519' }, { kty: 'EC' }, { d: undefined }])
      expect(read(says).error?.message).toMatch(/must be an Ed25519 private key/);
  });
});
