import fc from 'fast-check';
import { endpointIdSchema } from './endpoint.js';
import { nextInTurn, type EndpointOf, type Lane, type Ready } from './turns.js';

const endpoint = (client: number, number: number): EndpointOf => ({
  endpointId: endpointIdSchema.parse(`0190000${String(client)}-0000-7000-8000-${String(number).padStart(12, '0')}`),
  clientId: `client-${String(client)}`,
  subject: `client-${String(client)}`,
});
const ready = (one: EndpointOf, lane: Lane = 'swift', dueAt = 0): Ready => ({ ...one, lane, dueAt: new Date(dueAt) });

describe('whose turn it is', () => {
  const anyReady = fc
    .uniqueArray(fc.tuple(fc.nat(5), fc.nat(30)), {
      selector: ([client, number]) => client * 100 + number,
      maxLength: 60,
    })
    .chain((places) =>
      fc.tuple(
        ...places.map(([client, number]) =>
          fc
            .tuple(fc.constantFrom<Lane>('swift', 'slow'), fc.nat(1_000))
            .map(([lane, due]) => ready(endpoint(client, number), lane, due)),
        ),
      ),
    );
  const anyUnderWay = fc.array(
    fc.tuple(fc.nat(5), fc.nat(30)).map(([client, number]) => endpoint(client, number)),
    { maxLength: 40 },
  );
  const anyFree = fc.record({ swift: fc.nat(20), slow: fc.nat(20) });

  it('fills the free slots of each lane, no more, and gives each endpoint one turn', () => {
    fc.assert(
      fc.property(anyReady, anyUnderWay, anyFree, (waiting, underWay, free) => {
        const chosen = nextInTurn(waiting, underWay, free);
        expect(new Set(chosen.map(({ endpointId }) => endpointId)).size).toBe(chosen.length);
        for (const lane of ['swift', 'slow'] as const) {
          const wanted = waiting.filter((one) => one.lane === lane).length;
          expect(chosen.filter((one) => one.lane === lane)).toHaveLength(Math.min(free[lane], wanted));
        }
      }),
    );
  });

  it('never goes to a client with more in progress while one with fewer waits in the same lane', () => {
    fc.assert(
      fc.property(anyReady, anyUnderWay, anyFree, (waiting, underWay, free) => {
        const chosen = nextInTurn(waiting, underWay, free);
        const counts = (client: string): number =>
          [...underWay, ...chosen].filter(({ clientId }) => clientId === client).length;
        const left = waiting.filter((one) => !chosen.includes(one));
        for (const loser of left) {
          for (const winner of chosen.filter(({ lane }) => lane === loser.lane)) {
            if (winner.clientId === loser.clientId) continue;
            // The winner's last turn may have come when both had as many.
            const last = chosen.filter(({ clientId }) => clientId === winner.clientId).at(-1);
            if (last?.lane === loser.lane)
              expect(counts(winner.clientId)).toBeLessThanOrEqual(counts(loser.clientId) + 1);
          }
        }
      }),
    );
  });

  it('comes immediately for an endpoint next to a client with a hundred that wait longer', () => {
    const many = Array.from({ length: 100 }, (_, number) => ready(endpoint(1, number), 'swift', number));
    const underWay = many.slice(0, 30);
    const alone = ready(endpoint(2, 1), 'swift', 5_000);
    expect(nextInTurn([...many.slice(30), alone], underWay, { swift: 1, slow: 0 })).toEqual([alone]);
  });
});
