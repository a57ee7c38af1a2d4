import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask, valueOf } from '../api/client.js';
import { ErrorState, Loading } from '../ui/page-state.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { deadLettersSchema, replayedSchema, type DeadLetter } from './health-answers.js';
import styles from './health.module.css';

const PAGE = 50;

interface LetterProps {
  readonly letter: DeadLetter;
  readonly mayReplay: boolean;
  readonly onDone: (words: string) => void;
}

/** Asks for confirmation: the first press asks, the second one replays. */
function Replay({ letter: { position }, onDone }: Omit<LetterProps, 'mayReplay'>) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () =>
      valueOf(await ask(replayedSchema, `/intake/dead-letters/${position}/replay`, { method: 'POST' })),
    onSuccess: async ({ log_index: index }) => {
      onDone(`Dead letter ${position} is in the log at index ${index}.`);
      await queries.invalidateQueries({ queryKey: ['health'] });
    },
  });
  return (
    <>
      <button
        type="button"
        disabled={isPending}
        onClick={() => {
          if (asked) mutate();
          else setAsked(true);
        }}
      >
        {asked ? `Yes, append ${position} to the log` : `Replay ${position}`}
      </button>
      {error !== null && (
        <p role="alert" className={styles.bad}>
          <Untrusted text={error.message} />
        </p>
      )}
    </>
  );
}

function Letter({ letter, mayReplay, onDone }: LetterProps) {
  const {
    position,
    source,
    sequence,
    reason,
    payload,
    received_at: at,
    replayed_at: replayed,
    erased_at: erased,
  } = letter;
  return (
    <li>
      <p>
        <strong>{position}</strong> from <Untrusted text={source ?? 'an unknown source'} brief />
        {sequence !== null && <> number {sequence}</>}, <Time at={at} relative />:{' '}
        <Untrusted text={reason} limit={200} />
      </p>
      <details>
        <summary>Content of {position}</summary>
        <pre className={styles.payload}>
          <Untrusted text={payload} limit={2_000} />
        </pre>
      </details>
      {replayed !== null && <p>In the trail since {<Time at={replayed} relative />}.</p>}
      {erased !== null && <p>Its content was erased; it cannot be replayed.</p>}
      {replayed === null && erased === null && mayReplay && <Replay letter={letter} onDone={onDone} />}
      {replayed === null && erased === null && !mayReplay && <p>Replaying it needs the scope audit:admin.</p>}
    </li>
  );
}

/** Messages that the trail could not accept, oldest first. Loaded only on request, because each read is recorded. */
export function DeadLetters({ mayReplay }: { readonly mayReplay: boolean }) {
  const [done, setDone] = useState('');
  const { data, error, fetchNextPage, hasNextPage, isFetching, refetch } = useInfiniteQuery({
    queryKey: ['health', 'dead-letters'],
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: PAGE, after: pageParam };
      return valueOf(await ask(deadLettersSchema, '/intake/dead-letters', { query, signal })).dead_letters;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.position),
  });
  if (data === undefined && error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what="dead letters" />;
  const letters = data.pages.flat();
  return (
    <>
      <p role="status">{done}</p>
      {letters.length === 0 && <p>There are none.</p>}
      <ul className={styles.letters}>
        {letters.map((letter) => (
          <Letter key={letter.position} letter={letter} mayReplay={mayReplay} onDone={setDone} />
        ))}
      </ul>
      {error !== null && <ErrorState what="Dead letters" error={error} retry={() => void refetch()} />}
      {hasNextPage && (
        <button type="button" disabled={isFetching} onClick={() => void fetchNextPage()}>
          More dead letters
        </button>
      )}
    </>
  );
}
