import { type FoundEvent } from '../api/events.js';
import { CheckpointLine } from './checkpoint-banner.js';
import styles from './proof.module.css';
import { VerifyEvents } from './verify-events.js';

interface ProofLineProps {
  /** The events of a screen, newest first. */
  readonly shown: readonly FoundEvent[];
  /** Changes when the screen shows something else: earlier results are then discarded. */
  readonly name: string;
}

/** Maximum events verified per press. */
const LIMIT = 500;

/** A screen's checkpoint, and a button that proves its content in this browser: the very events, as received. */
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
