import { plainText } from '../ui/visible-text.js';
import styles from './access.module.css';
import { type PlannedChange } from './planned-change.js';

interface ChangeButtonsProps {
  readonly changes: readonly { readonly label: string; readonly change: PlannedChange }[];
  readonly plan: (change: PlannedChange) => void;
}

/** The changes that one row offers; each tells a screen reader what it changes. */
export function ChangeButtons({ changes, plan }: ChangeButtonsProps) {
  return (
    <div className={styles.changes}>
      {changes.map(({ label, change }) => (
        <button
          key={label}
          type="button"
          aria-label={plainText(change.title, 120)}
          onClick={() => {
            plan(change);
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
