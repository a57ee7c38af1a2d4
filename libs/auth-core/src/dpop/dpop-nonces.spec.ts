import { randomBytes } from 'node:crypto';
import { DpopNonces } from './dpop-nonces.js';

describe('the nonces of DPoP proofs', () => {
  const key = randomBytes(32);
  const at = (ms: number, one = key) => new DpopNonces({ key: one, lifetimeSeconds: 60, now: () => ms });
  const start = 1_800_000_000_000;

  it('are accepted by every replica with the key, for one to two lifetimes and no longer', () => {
    const nonce = at(start).current();
    expect([0, 59_999, 60_000, 119_999, 120_000].map((later) => at(start + later).accepts(nonce))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(at(start + 60_000).current()).not.toBe(nonce);
  });

  it('are accepted from a replica whose clock is five seconds ahead', () => {
    const early = at(start + 60_000).current();
    expect([at(start + 55_001).accepts(early), at(start + 54_999).accepts(early)]).toEqual([true, false]);
  });

  it('cannot be made without the key', () => {
    const nonce = at(start).current();
    for (const other of [
      undefined,
      '',
      'n',
      `${nonce}a`,
      nonce.slice(1),
      `é${nonce.slice(1)}`,
      at(start, randomBytes(32)).current(),
    ])
      expect(at(start).accepts(other)).toBe(false);
    expect(() => new DpopNonces({ key: randomBytes(31) })).toThrow(RangeError);
    expect(() => new DpopNonces({ key, lifetimeSeconds: 5 })).toThrow(RangeError);
  });
});
