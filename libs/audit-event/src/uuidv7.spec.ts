import { uuidv7 } from './uuidv7.js';

describe('uuidv7', () => {
  it('contains the time in its first 48 bits, the version, the variant and the given random bits', () => {
    expect(uuidv7(0x0199_8a7b_c6d5, 'cde6f0123456789abcd')).toBe('01998a7b-c6d5-7cde-af01-23456789abcd');
    expect(uuidv7(5, '0'.repeat(19))).toBe('00000000-0005-7000-8000-000000000000');
  });

  it('differs each time, even within one millisecond', () => {
    const ids = Array.from({ length: 10_000 }, () => uuidv7(1_700_000_000_000));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids.slice(0, 100)) {
      expect(id).toMatch(/^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
