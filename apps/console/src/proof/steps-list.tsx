import styles from './proof.module.css';
import { verdictOf, type Step } from './step.js';
import { Untrusted } from '../ui/untrusted.js';

const marks: Readonly<Record<Step['verdict'], { readonly sign: string; readonly word: string }>> = {
  right: { sign: '✓', word: 'Verified' },
  wrong: { sign: '✗', word: 'Failed' },
  open: { sign: '•', word: 'To know' },
};

const summaries: Readonly<Record<Step['verdict'], string>> = {
  right: 'Verified in this browser.',
  wrong: 'A check failed: do not rely on this.',
  open: 'Nothing was proven.',
};

interface StepsListProps {
  readonly steps: readonly Step[];
  /** The steps that answer the question; all by default. */
  readonly answer?: readonly Step[] | undefined;
}

/** What was checked, step by step, in words. */
export function StepsList({ steps, answer }: StepsListProps) {
  const verdict = verdictOf(steps, answer);
  const isPart = verdict === 'right' && answer?.some(({ verdict: one }) => one === 'open') === true;
  return (
    <div className={styles.result} role={verdict === 'wrong' ? 'alert' : 'status'} data-verdict={verdict}>
      <p className={styles.summary}>{isPart ? 'Partly verified in this browser.' : summaries[verdict]}</p>
      <ol className={styles.steps}>
        {steps.map(({ title, verdict: one, words }) => (
          <li key={title} data-verdict={one}>
            <span className={styles.sign} aria-hidden="true">
              {marks[one].sign}
            </span>
            <span className="visually-hidden">{marks[one].word}: </span>
            <strong>{title}.</strong> <Untrusted text={words} limit={600} />
          </li>
        ))}
      </ol>
    </div>
  );
}
