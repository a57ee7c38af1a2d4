import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorState } from '../ui/page-state.js';
import { checkpointQuery } from './checkpoint-banner.js';
import { differenceOf } from './checkpoint-check.js';
import { serverLog } from './log-source.js';
import { browserMemory, type SeenCheckpoint } from './memory.js';
import styles from './proof.module.css';
import { StepsList } from './steps-list.js';

interface ChoiceProps {
  readonly label: string;
  readonly seen: readonly SeenCheckpoint[];
  readonly value: number | undefined;
  readonly choose: (size: number) => void;
}

function Choice({ label, seen, value, choose }: ChoiceProps) {
  return (
    <label>
      {label}{' '}
      <select
        value={value}
        onChange={({ currentTarget }) => {
          choose(Number(currentTarget.value));
        }}
      >
        {seen.map(({ size, at }) => (
          <option key={size} value={size}>
            {size.toLocaleString('en')}, seen {at.slice(0, 16).replace('T', ' ')} UTC
          </option>
        ))}
      </select>
    </label>
  );
}

/** What was added between two checkpoints that this browser has seen. */
export function Compare() {
  // Read again whenever a checkpoint was verified.
  useQuery(checkpointQuery);
  const memory = browserMemory.read();
  const seen = memory?.seen ?? [];
  const [older, setOlder] = useState<number>();
  const [newer, setNewer] = useState<number>();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: async ([one, other]: readonly [SeenCheckpoint, SeenCheckpoint]) =>
      memory === undefined ? undefined : differenceOf(serverLog, memory, one, other),
  });
  const one = seen.find(({ size }) => size === older) ?? seen[0];
  const other = seen.find(({ size }) => size === newer) ?? seen.at(-1);
  return (
    <section aria-labelledby="compare">
      <h2 id="compare">Two checkpoints</h2>
      {one === undefined || other === undefined ? (
        <p>This browser has not verified a checkpoint yet.</p>
      ) : (
        <div className={styles.actions}>
          <Choice label="From" seen={seen} value={one.size} choose={setOlder} />
          <Choice label="to" seen={seen} value={other.size} choose={setNewer} />
          <button
            type="button"
            disabled={isPending}
            onClick={() => {
              mutate([one, other]);
            }}
          >
            Compare
          </button>
        </div>
      )}
      {error !== null && <ErrorState error={error} />}
      {data !== undefined && <StepsList steps={[data.step]} />}
    </section>
  );
}
