import { isByTime, revokedName, revokedOf, type Revoked } from './revocation.js';

const kinds: readonly Revoked['kind'][] = ['token', 'transaction', 'client', 'subject', 'api-key', 'key'];

describe('what is revoked', () => {
  it.each(kinds)('keeps its name when rebuilt from kind and name: %s', (kind) => {
    const revoked = revokedOf(kind, 'its-name');
    expect([revoked.kind, revokedName(revoked)]).toEqual([kind, 'its-name']);
    expect(Object.keys(revoked)).toHaveLength(2);
  });

  it('is refused by issue time if later tokens must be accepted', () => {
    expect(kinds.filter((kind) => isByTime({ kind }))).toEqual(['client', 'subject', 'api-key']);
  });
});
