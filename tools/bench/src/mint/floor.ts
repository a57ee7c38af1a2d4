import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { type PrivateJwk } from '@countersign/auth-core';

/** Microseconds of CPU of one ES256 verification and one signature by node:crypto: what no issuer can do without. */
export function mintFloor(jwk: PrivateJwk): number {
  const privateKey = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const data = Buffer.alloc(300, 'a');
  const signature = sign('sha256', data, privateKey);
  const count = 2_000;
  const begun = process.cpuUsage();
  for (let index = 0; index < count; index += 1) {
    if (!verify('sha256', data, publicKey, signature)) throw new Error('the floor does not verify');
    sign('sha256', data, privateKey);
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / count;
}
