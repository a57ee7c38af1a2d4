import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type FoundEvent } from '../api/events.js';
import { OutcomeMark } from '../ui/outcome.js';
import { ErrorState, Loading } from '../ui/page-state.js';
import { lengthText } from '../ui/time-text.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './event.module.css';
import { RELATED_LIMIT, relatedQuery } from './event-queries.js';
import { stepsOf } from './waterfall.js';

interface RequestPathProps {
  readonly trace: string | undefined;
  readonly txn: string | null;
  readonly current: FoundEvent;
}

const percent = (part: number): string => `${String(Math.round(part * 10_000) / 100)}%`;

/** A request's effects at each service, over time. */
export function RequestPath({ trace, txn, current }: RequestPathProps) {
  const ways = [
    ...(trace === undefined ? [] : [{ by: 'trace' as const, value: trace, title: 'This request' }]),
    ...(txn === null ? [] : [{ by: 'txn' as const, value: txn, title: 'The whole transaction' }]),
  ];
  const [by, setBy] = useState(ways[0]?.by);
  const chosen = ways.find((way) => way.by === by);
  if (chosen === undefined) return <p>No request caused this event: it has no trace and no transaction.</p>;
  return (
    <>
      <div className={styles.choice} role="group" aria-label="How much is shown">
        {ways.map((way) => (
          <button
            key={way.by}
            type="button"
            aria-pressed={way.by === by}
            onClick={() => {
              setBy(way.by);
            }}
          >
            {way.title}
          </button>
        ))}
      </div>
      <Waterfall by={chosen.by} value={chosen.value} current={current} />
    </>
  );
}

function Waterfall({
  by,
  value,
  current,
}: {
  readonly by: 'trace' | 'txn';
  readonly value: string;
  readonly current: FoundEvent;
}) {
  const { data, error, refetch } = useQuery(relatedQuery(by, value));
  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what="the request's path" />;
  const { events: found, isCut } = data;
  const steps = stepsOf(
    found.some(({ log_index: index }) => index === current.log_index) ? found : [current, ...found],
  );
  return (
    <>
      {isCut && (
        <p>
          Only the newest {RELATED_LIMIT} events are shown.{' '}
          <Link to="/" search={{ [by]: value }}>
            All of them
          </Link>
        </p>
      )}
      <ol className={styles.waterfall}>
        {steps.map(({ key, source, title, start, length, afterMs, events }) => (
          <li key={key}>
            <span className={styles.step}>
              <strong>
                <Untrusted text={source} brief />
              </strong>{' '}
              <Untrusted text={title} limit={60} brief />
            </span>
            <span className={styles.lane} aria-hidden="true">
              <span
                className={styles.bar}
                style={{
                  insetInlineStart: percent(Math.min(start, 0.985)),
                  inlineSize: `max(0.5rem, ${percent(length)})`,
                }}
              />
            </span>
            <span className={styles.after}>+{lengthText(afterMs)}</span>
            <ul>
              {events.map(({ log_index: index, event }) => (
                <li key={index} aria-current={index === current.log_index ? 'true' : undefined}>
                  <Link to="/event/$index" params={{ index }}>
                    <Untrusted text={event.data.action} brief />
                  </Link>{' '}
                  <OutcomeMark outcome={event.data.outcome} /> <Untrusted text={event.data.resource} limit={60} brief />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </>
  );
}
