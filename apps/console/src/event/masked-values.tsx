import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { sessionQuery } from '../api/session.js';
import { Untrusted } from '../ui/untrusted.js';
import { valueText } from './changes.js';
import { reveal } from './event-queries.js';
import styles from './event.module.css';

type Shown =
  | { readonly kind: 'closed' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly values: readonly { readonly path: string; readonly value: unknown }[] };

/** Shows values that the log has only as commitments, to those who may see them, for a recorded reason. */
export function MaskedValues({ id }: { readonly id: string }) {
  const { data: session } = useQuery(sessionQuery);
  const [shown, setShown] = useState<Shown>({ kind: 'closed' });
  const ask = async (reason: string): Promise<void> => {
    setShown({ kind: 'asked' });
    const answer = await reveal(id, reason);
    setShown(
      answer.ok ? { kind: 'open', values: answer.value.values } : { kind: 'refused', why: answer.problem.message },
    );
  };
  if (session?.scopes.includes('audit:reveal') !== true)
    return <p>Personal data in this event is masked, and your roles do not let you see it.</p>;
  if (shown.kind === 'open')
    return (
      <div role="status">
        {shown.values.length === 0 && <p>There is nothing to show: the values were erased, or were never masked.</p>}
        <dl className={styles.pairs}>
          {shown.values.map(({ path, value }) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>
                <Untrusted text={valueText(value)} />
              </dd>
            </div>
          ))}
        </dl>
      </div>
    );
  return (
    <form
      className={styles.reveal}
      onSubmit={(event) => {
        event.preventDefault();
        void ask(String(new FormData(event.currentTarget).get('reason')));
      }}
    >
      <p id="reveal-words">
        Personal data in this event is masked. If you need it, enter a reason: it is recorded, with your name.
      </p>
      <label>
        Reason{' '}
        <input
          name="reason"
          required
          maxLength={512}
          pattern=".*\S.*"
          aria-describedby="reveal-words"
          autoComplete="off"
        />
      </label>
      <button type="submit" disabled={shown.kind === 'asked'}>
        Show masked values
      </button>
      {shown.kind === 'refused' && (
        <p role="alert">
          <Untrusted text={shown.why} />
        </p>
      )}
    </form>
  );
}
