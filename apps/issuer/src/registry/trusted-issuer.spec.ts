import fc from 'fast-check';
import { subjectMatches } from './trusted-issuer.js';

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 12 });

describe('a subject pattern', () => {
  it('matches the same as the equivalent regular expression, and nothing else', () => {
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 }), (pattern, subject) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*');
        expect(subjectMatches(pattern, subject)).toBe(new RegExp(`^${source}$`).test(subject));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no longer for a pattern made to be slow', () => {
    const startedAt = performance.now();
    expect(subjectMatches(`${'*a'.repeat(200)}*b`, 'a'.repeat(512))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
