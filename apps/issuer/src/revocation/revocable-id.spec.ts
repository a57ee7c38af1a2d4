import { revocableIdSchema, revocableSubjectSchema } from './revocable-id.js';

describe('a name of what is to be revoked', () => {
  const id = '0193a6b0-9c1e-7c3a-8f00-0123456789ab';

  it('is in canonical form: in capitals it would refuse no token', () => {
    expect(revocableIdSchema.parse(id.toUpperCase())).toBe(id);
    expect(revocableSubjectSchema.parse(`person:${id.toUpperCase()}`)).toBe(`person:${id}`);
  });

  it('stays unchanged if capitals matter', () => {
    expect(revocableIdSchema.parse('Ab-1')).toBe('Ab-1');
    for (const name of ['Shop', 'Person:X', 'idp|Ada']) expect(revocableSubjectSchema.parse(name)).toBe(name);
  });
});
