import fc from 'fast-check';
import { childTraceparent, traceIdOf } from './trace-context.js';

const hex = (digits: number): string => 'c'.repeat(digits);

describe('the trace context of a call', () => {
  it('stays in its trace under a new parent id', () => {
    const current = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
    expect(childTraceparent(current, hex)).toBe(`00-${'a'.repeat(32)}-${'c'.repeat(16)}-00`);
  });

  it('starts a new trace for anything that is not well formed', () => {
    const fresh = `00-${'c'.repeat(32)}-${'c'.repeat(16)}-01`;
    for (const bad of [
      undefined,
      '',
      'x',
      `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
      `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
      `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    ])
      expect(childTraceparent(bad, hex)).toBe(fresh);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(childTraceparent(text, hex)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
      }),
    );
  });

  it('has a trace id, unless there is none', () => {
    expect(traceIdOf(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)).toBe('a'.repeat(32));
    expect(traceIdOf(undefined)).toBeUndefined();
  });
});
