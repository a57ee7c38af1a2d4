/** One thing that was checked, in words. */
export interface Step {
  readonly title: string;
  /** `open`: nothing to compare with yet, or undecided. */
  readonly verdict: 'right' | 'wrong' | 'open';
  readonly words: string;
}

export const right = (title: string, words: string): Step => ({ title, verdict: 'right', words });
export const wrong = (title: string, words: string): Step => ({ title, verdict: 'wrong', words });
export const open = (title: string, words: string): Step => ({ title, verdict: 'open', words });

/** The overall result of all steps. @param answer those that answer the question; the others only lead to it, and prove nothing about it */
export function verdictOf(steps: readonly Step[], answer = steps): Step['verdict'] {
  if (steps.some(({ verdict }) => verdict === 'wrong')) return 'wrong';
  return answer.some(({ verdict }) => verdict === 'right') ? 'right' : 'open';
}
