import { AskedTogether } from './asked-together.js';

describe('questions that come at the same time', () => {
  const asked: (readonly string[])[] = [];
  const together = new AskedTogether(3, async (names: readonly string[]) => {
    asked.push(names);
    if (names.includes('bad')) throw new Error('refused');
    await Promise.resolve();
    return new Map(names.filter((name) => name !== 'nobody').map((name) => [name, name.toUpperCase()]));
  });
  beforeEach(() => asked.splice(0));

  it('are asked as one, each name once, at most so many at once', async () => {
    const answers = ['a', 'b', 'a', 'nobody', 'c'].map((name) => together.ask(name));
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'A', undefined, 'C']);
    expect(asked).toEqual([['a', 'b', 'nobody'], ['c']]);
    expect(await together.ask('a')).toBe('A');
    expect(asked).toHaveLength(3);
  });

  it('fail alone', async () => {
    const answers = await Promise.allSettled(['a', 'b', 'bad', 'd'].map((name) => together.ask(name)));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
  });
});
