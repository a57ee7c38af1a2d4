import { stripVTControlCharacters } from 'node:util';
import { expect } from '@jest/globals';

/** What a test is shown when this fails. */
async function failure(check: () => unknown): Promise<unknown> {
  try {
    await check();
  } catch (error) {
    return error instanceof Error ? stripVTControlCharacters(error.message) : error;
  }
  return 'nothing failed';
}
const throws = (): never => {
  throw new Error('first');
};

describe('expect, which makes only the matcher that is asked for', () => {
  it.each<readonly [form: string, check: () => unknown, shown: RegExp]>([
    ['plain', () => expect(1).toBe(2), /^expect\(received\)\.toBe\(expected\)[\s\S]*Expected: 2\nReceived: 1$/],
    ['not', () => expect(1).not.toBe(1), /^expect\(received\)\.not\.toBe\(expected\)/],
    ['resolves', () => expect(Promise.resolve(1)).resolves.toBe(2), /^expect\(received\)\.resolves\.toBe\(expected\)/],
    ['resolves, not', () => expect(Promise.resolve(1)).resolves.not.toBe(1), /\.resolves\.not\.toBe\(expected\)/],
    ['resolves, of a refusal', () => expect(Promise.reject(new Error('no'))).resolves.toBe(1), /promise rejected/],
    ['rejects', () => expect(Promise.resolve(1)).rejects.toThrow('first'), /promise resolved instead of rejected/],
    [
      'rejects, not',
      () => expect(Promise.reject(new Error('no'))).rejects.not.toThrow('no'),
      /\.rejects\.not\.toThrow/,
    ],
    ['a function that throws', () => expect(throws).toThrow('second'), /"second"[\s\S]*"first"/],
    ['matchers within', () => expect([1]).toEqual([expect.any(String)]), /toEqual[\s\S]*Any<String>/],
    ['two values', () => Reflect.apply(expect, undefined, [1, 2]), /^Expect takes at most one argument\.$/],
  ])('fails as Jest does: %s', async (_form, check, shown) => {
    expect(await failure(check)).toMatch(shown);
  });

  it('has no matcher that nobody made, and those that a spec adds', async () => {
    expect(Reflect.get(expect(1), 'toBeOdd')).toBeUndefined();
    expect.extend({ toBeOdd: (value: unknown) => ({ pass: value === 1, message: () => `${String(value)} is even` }) });
    const toBeOdd = (value: unknown): unknown => Reflect.apply(Reflect.get(expect(value), 'toBeOdd'), undefined, []);
    expect(await failure(() => toBeOdd(1))).toBe('nothing failed');
    expect(await failure(() => toBeOdd(2))).toBe('2 is even');
  });
});
