import { FloodingKeys, PROMPT_REFUSALS } from './flooding-keys.js';

describe('a flooding key', () => {
  const begin = (limit = 10) => {
    const clock = { now: 0 };
    const keys = new FloodingKeys(limit, () => clock.now);
    const floods = (id: string, times: number, everyMs = 0) =>
      Array.from({ length: times }, () => {
        clock.now += everyMs;
        return keys.refused(id);
      }).filter(Boolean).length;
    return { clock, floods };
  };

  it('is one that is refused many times within a second; one that tries a few times a second never is', () => {
    const { floods } = begin();
    expect(floods('polite', 1_000, 25)).toBe(0);
    expect(floods('flood', PROMPT_REFUSALS + 3)).toBe(3);
    expect(floods('other', 1)).toBe(0);
  });

  it('remains one while it keeps sending, however slowly it gets responses, until it pauses for a second', () => {
    const { clock, floods } = begin();
    floods('flood', PROMPT_REFUSALS + 1);
    expect(floods('flood', 20, 900)).toBe(20);
    clock.now += 1_000;
    expect(floods('flood', PROMPT_REFUSALS + 1)).toBe(1);
  });

  it('is remembered before keys that were refused longer ago', () => {
    const { floods } = begin();
    floods('flood', PROMPT_REFUSALS);
    for (let n = 0; n < 1_000; n += 1) {
      floods(`key ${String(n)}`, 1);
      if (n % 5 === 0) expect(floods('flood', 1)).toBe(1);
    }
  });
});
