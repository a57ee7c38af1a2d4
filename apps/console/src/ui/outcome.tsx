import { type Outcome } from '../api/events.js';
import styles from './outcome.module.css';

/** The icon shows it too, for people who cannot distinguish the colours. */
const signs: Readonly<Record<Outcome, string>> = { allowed: '✓', denied: '⊘', failed: '!' };

/** How an event ended. */
export function OutcomeMark({ outcome }: { readonly outcome: Outcome }) {
  return (
    <span className={`${styles.mark ?? ''} ${styles[outcome] ?? ''}`}>
      <span aria-hidden="true">{signs[outcome]}</span> {outcome}
    </span>
  );
}
