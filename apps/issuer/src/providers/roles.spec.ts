import fc from 'fast-check';
import { rolesMappingSchema, rolesOf } from './roles.js';

const mapping = rolesMappingSchema.parse({
  claim: ['realm', 'groups'],
  map: { finance: ['treasurer', 'approver'], audit: ['auditor', 'approver'] },
});
const of = (groups: unknown) => rolesOf({ realm: { groups } }, mapping);

describe('roles by a declared mapping', () => {
  it('come from the values that the mapping names, each once, and from no other', () => {
    expect(of(['finance', 'audit', 'admin'])).toEqual(['approver', 'auditor', 'treasurer']);
    expect(of('audit')).toEqual(['approver', 'auditor']);
    expect(of(['Finance', 'finance '])).toEqual([]);
  });

  it('are empty for a claim that is missing or of another shape', () => {
    for (const groups of [undefined, null, 7, {}, [['finance']], { finance: true }]) expect(of(groups)).toEqual([]);
    expect(rolesOf({ realm: 'groups' }, mapping)).toEqual([]);
    expect(rolesOf(undefined, mapping)).toEqual([]);
  });

  it('are never more than the mapping grants, whatever the claims are', () => {
    const given = new Set(Object.values(mapping.map).flat());
    fc.assert(
      fc.property(fc.anything(), fc.array(fc.string()), (claims, path) => {
        for (const role of rolesOf(claims, { ...mapping, claim: path })) expect(given).toContain(role);
      }),
    );
    expect(rolesOf({ groups: ['constructor', '__proto__', 'toString'] }, { ...mapping, claim: ['groups'] })).toEqual(
      [],
    );
  });

  it('are declared as names, not too many for a token', () => {
    expect(rolesMappingSchema.safeParse({ claim: 'groups', map: { a: ['with space'] } }).success).toBe(false);
    const many = Object.fromEntries(
      Array.from({ length: 33 }, (_, index) => [`g${String(index)}`, [`r${String(index)}`]]),
    );
    expect(rolesMappingSchema.safeParse({ claim: 'groups', map: many }).success).toBe(false);
  });
});
