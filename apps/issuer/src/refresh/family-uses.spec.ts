import { uuidv7 } from '@countersign/audit-event';
import fc from 'fast-check';
import { delegationIdSchema } from '../delegations/delegation.js';
import { planUses, type FamilyUse } from './family-uses.js';
import { type Family } from './rotation.js';

const times = { idle: 1_000_000, life: 10_000_000, again: 30_000 };
const begunAt = 1_800_000_000_000;
const ids = [1, 2, 3].map((n) => delegationIdSchema.parse(uuidv7(begunAt + n)));
const [id] = ids;
if (id === undefined) throw new Error('no id');

/** A family of so many generations, each a second after the one before. */
const familyOf = (generation: number): Family => ({
  generation,
  begunAt,
  rotations: Array.from({ length: generation }, (_, n) => begunAt + (n + 1) * 1_000),
});
const use = (generation: number, known: number, of = id): FamilyUse => ({
  delegationId: of,
  generation,
  family: familyOf(known),
});
const now = begunAt + 20_000;

describe('a plan for uses of refresh tokens that came together', () => {
  it('uses the newest state of a family that anyone has read', () => {
    const plan = planUses([use(3, 3), use(3, 4)], now, times).get(id);
    expect(plan).toMatchObject({ presented: 3, family: { generation: 4 }, verdict: { kind: 'again', generation: 4 } });
  });

  it('is for the token that arrived first; a request with another waits', () => {
    expect(planUses([use(2, 3), use(3, 3)], now, times).get(id)).toMatchObject({
      presented: 2,
      verdict: { kind: 'again', generation: 3 },
    });
    expect(planUses([use(3, 3), use(2, 3)], now, times).get(id)).toMatchObject({
      presented: 3,
      verdict: { kind: 'rotated', family: { generation: 4 } },
    });
  });

  it('advances each family by one generation, or leaves it, however many use it', () => {
    const uses = fc.array(
      fc.record({ of: fc.constantFrom(...ids), presented: fc.nat(6), known: fc.nat(5) }).map((one) => {
        return use(one.presented, one.known, one.of);
      }),
    );
    fc.assert(
      fc.property(uses, (asked) => {
        const plans = planUses(asked, now, times);
        expect(new Set(plans.keys())).toEqual(new Set(asked.map(({ delegationId }) => delegationId)));
        for (const [family, { presented, family: newest, verdict }] of plans) {
          const ofFamily = asked.filter(({ delegationId }) => delegationId === family);
          expect(presented).toBe(ofFamily[0]?.generation);
          expect(newest.generation).toBe(Math.max(...ofFamily.map((one) => one.family.generation)));
          if (verdict.kind === 'rotated') expect(verdict.family.generation).toBe(newest.generation + 1);
          expect(verdict.kind === 'rotated').toBe(presented === newest.generation);
        }
      }),
    );
  });
});
