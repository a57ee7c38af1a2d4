import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import fc from 'fast-check';
import {
  newRecord,
  withKey,
  withoutKey,
  withRegistration,
  type Change,
  type ClientRecord,
} from '../registry/client-record.js';
import { clientSchema, publicJwkSchema, type Client, type PublicJwk } from '../registry/client.js';
import { describeChange, differenceTo } from './declaration.js';

const now = new Date('2026-11-26T00:00:00Z');
const recordOf = (change: Change): ClientRecord => {
  if (!change.ok) throw new Error(change.why.detail);
  return change.record;
};

describe('a changed declaration', () => {
  let keys: readonly PublicJwk[];
  beforeAll(async () => {
    keys = await Promise.all(
      Array.from({ length: 4 }, async () => publicJwkSchema.parse(publicJwkOf(await generateSigningKey()))),
    );
  });
  const key = (index: number): PublicJwk => {
    const known = keys[index];
    if (known === undefined) throw new Error('no such key');
    return known;
  };
  const client = (indexes: readonly number[], scopes: readonly string[] = ['orders:read'], more: object = {}): Client =>
    clientSchema.parse({
      client_id: 'shop',
      jwks: { keys: indexes.map(key) },
      policy: { audiences: { orders: scopes } },
      ...more,
    });
  const apply = (wanted: Client, record: ClientRecord) => {
    const [change] = differenceTo([wanted], new Map([['shop', record]]), now);
    return { record: change?.after ?? record, text: change === undefined ? '' : describeChange(change) };
  };
  const kidsOf = ({ registration }: ClientRecord) => registration.jwks?.keys.map(({ kid }) => kid) ?? [];
  const declared = (wanted: Client) => newRecord(wanted, wanted, now);
  const rotated = (record: ClientRecord, from: number, to: number) =>
    recordOf(withoutKey(recordOf(withKey(record, key(to), now)), key(from).kid, now));

  it('leaves keys rotated since unchanged when it declares the same keys as before', () => {
    const { record, text } = apply(client([0], ['orders:write']), rotated(declared(client([0])), 0, 1));
    expect(kidsOf(record)).toEqual([key(1).kid]);
    expect(record.registration.policy.audiences).toEqual({ orders: ['orders:write'] });
    expect(text).toContain(`key ${key(0).kid}: was removed earlier, so it is not added again`);
  });

  it('adds its new keys, but none that was removed', () => {
    const { record } = apply(client([0, 2]), rotated(declared(client([0])), 0, 1));
    expect(kidsOf(record)).toEqual([key(2).kid]);
    expect(kidsOf(apply(client([0, 1, 2]), record).record)).toEqual([key(2).kid]);
  });

  it('does not add a removed key under another kid, or another key under a removed kid', () => {
    const before = rotated(declared(client([0])), 0, 1);
    const renamed = client([2], ['orders:read'], {
      jwks: { keys: [{ ...key(0), kid: 'renamed' }, { ...key(2), kid: key(0).kid }, key(3)] },
    });
    expect(kidsOf(apply(renamed, before).record)).toEqual([key(3).kid]);
  });

  it('does not restore the old key of a kid whose key was replaced', () => {
    const before = recordOf(withKey(declared(client([0])), { ...key(1), kid: key(0).kid }, now));
    const { record } = apply(client([0, 2], ['orders:write']), before);
    expect(kidsOf(record)).toEqual([key(2).kid]);
  });

  it("that contains only removed keys leaves the client's credentials unchanged", () => {
    const moved = clientSchema.parse({ client_id: 'shop', jwks_uri: 'https://shop.test/jwks.json' });
    const before = withRegistration(declared(client([0, 1])), moved, now);
    const { record } = apply(client([0], ['orders:write']), before);
    expect([record.registration.jwks_uri, record.registration.jwks]).toEqual([
      'https://shop.test/jwks.json',
      undefined,
    ]);
    expect(record.registration.policy.audiences).toEqual({ orders: ['orders:write'] });
  });

  it('does not restore an imported secret that an administrator removed', () => {
    const imported_secret = `$scrypt$ln=14,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    const secretBased = (scopes: readonly string[], more: object) =>
      clientSchema.parse({
        client_id: 'shop',
        token_endpoint_auth_method: 'client_secret_basic',
        policy: { audiences: { orders: scopes } },
        ...more,
      });
    const wanted = secretBased(['orders:read'], { imported_secret });
    const before = withRegistration(declared(wanted), secretBased(['orders:read'], {}), now);
    expect(
      apply(secretBased(['orders:write'], { imported_secret }), before).record.registration.imported_secret,
    ).toBeUndefined();
  });

  it('is overruled by an administrator who adds a removed key again', () => {
    const back = recordOf(withKey(rotated(declared(client([0])), 0, 1), key(0), now));
    expect(kidsOf(apply(client([0, 2]), back).record)).toEqual([key(0).kid, key(2).kid]);
  });

  it('never adds a key that was removed, whatever was declared, rotated and replaced before', () => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('declare' as const), keys: some, scope: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constant('remove' as const), key: fc.nat(3) }),
      fc.record({ kind: fc.constant('replace' as const), keys: some }),
    );
    fc.assert(
      fc.property(some, fc.array(step, { maxLength: 20 }), (first, steps) => {
        let record = declared(client(first));
        const removed = new Set<string>();
        for (const one of steps) {
          const before = kidsOf(record);
          if (one.kind === 'declare') {
            record = apply(client(one.keys, [one.scope]), record).record;
            for (const kid of kidsOf(record)) expect(removed).not.toContain(kid);
          } else if (one.kind === 'replace') record = withRegistration(record, client(one.keys), now);
          else {
            const change = withoutKey(record, key(one.key).kid, now);
            if (change.ok) record = change.record;
          }
          const after = kidsOf(record);
          for (const kid of after) removed.delete(kid);
          for (const kid of before) if (!after.includes(kid)) removed.add(kid);
          expect(after.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
