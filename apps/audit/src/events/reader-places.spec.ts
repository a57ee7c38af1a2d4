import fc from 'fast-check';
import { ReaderPlaces } from './reader-places.js';

const auditor = (clientId = 'auditor') => ({ clientId, scopes: new Set(['audit:read']) });
const other = (clientId: string) => ({ clientId, scopes: new Set(['audit:read:own']) });

describe('places for readers', () => {
  it('are not all taken by one client, and the reserved ones only by auditors', () => {
    const places = new ReaderPlaces({ total: 6, reserved: 2, perClient: 3 });
    for (let n = 0; n < 3; n += 1) expect(places.take(other('shop'))).toBeInstanceOf(Function);
    expect(places.take(other('shop'))).toBe('client-busy');
    expect(places.take(other('kiosk'))).toBeInstanceOf(Function);
    expect(places.take(other('booth'))).toBe('busy');
    for (let n = 0; n < 2; n += 1) expect(places.take(auditor())).toBeInstanceOf(Function);
    expect(places.take(auditor('second'))).toBe('busy');
  });

  it('never exceed a limit and are all free again once everybody has left, no matter who comes and goes', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean(), fc.nat(20)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const places = new ReaderPlaces({ total: 6, reserved: 2, perClient: 4 });
        const held: { readonly client: string; readonly auditing: boolean; readonly leave: () => void }[] = [];
        for (const [client, auditing, leaving] of all) {
          const [gone] = leaving < held.length ? held.splice(leaving, 1) : [];
          gone?.leave();
          gone?.leave();
          const taken = places.take(auditing ? auditor(client) : other(client));
          const own = held.filter((one) => one.client === client).length;
          const others = held.filter((one) => !one.auditing).length;
          const free = own < 4 && held.length < 6 && (auditing || others < 4);
          expect(typeof taken === 'function').toBe(free);
          if (typeof taken === 'function') held.push({ client, auditing, leave: taken });
        }
        for (const { leave } of held) leave();
        for (const client of ['x', 'y']) {
          for (let n = 0; n < 3; n += 1) expect(places.take(auditor(client))).toBeInstanceOf(Function);
        }
      }),
    );
  });
});
