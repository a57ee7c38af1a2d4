import { type FoundEvent } from '../api/events.js';
import { CheckpointLine } from './checkpoint-banner.js';
import styles from './proof.module.css';
import { VerifyEvents } from './verify-events.js';

interface ProofLineProps {
  /** What a screen shows, newest first. */
  readonly shown: readonly FoundEvent[];
  /** Changes when it shows something else: what was found of the earlier is then gone. */
  readonly name: string;
}

/** Maximum events that one press verifies. */
const LIMIT = 500;

/** As of which checkpoint a screen is, and a button that proves in this browser what it shows: the very events, as they were received. */
export function ProofLine({ shown, name }: ProofLineProps) {
  const some = shown.slice(0, LIMIT);
  const what =
    shown.length === 1 ? 'this event' : `${shown.length > LIMIT ? 'the newest ' : ''}${String(some.length)} events`;
  return (
    <div className={styles.proofLine}>
      <CheckpointLine />
      <VerifyEvents
        key={name}
        label={`Verify ${what} in this browser`}
        events={() => Promise.resolve(some.map(({ log_index: index, event }) => ({ logIndex: Number(index), event })))}
      />
    </div>
  );
}
