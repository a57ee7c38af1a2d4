import { AssertionAge } from './assertion-age.service.js';

describe('how old an assertion may be', () => {
  const at = (milliseconds: number) => () => new Date(milliseconds);

  it('is limited after a restore to whole seconds that began after it was noticed', () => {
    const age = new AssertionAge({ restoredAt: 1_700_000_000_400 }, at(1_600_000_000_000));
    age.compared();
    expect(age.since).toBe(1_700_000_001);
    expect(new AssertionAge({ restoredAt: 1_700_000_000_000 }, at(0)).since).toBe(1_700_000_000);
  });

  it('is limited to the time since startup until the database has been compared with the stated list, and then not at all', () => {
    const age = new AssertionAge({ restoredAt: undefined }, at(1_700_000_000_400));
    expect(age.since).toBe(1_699_999_995);
    age.compared();
    expect(age.since).toBeUndefined();
  });
});
