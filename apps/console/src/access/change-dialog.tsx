import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { CopyButton } from '../ui/copy-button.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './access.module.css';
import { afterChange, isRefused, secretOf } from './change-made.js';
import { make, newIdempotencyKey, previewQuery } from './issuer-queries.js';
import { type PlannedChange } from './planned-change.js';
import { sentencesOf } from './preview-sentences.js';

/** A preview of what the change would refuse. */
function Refused({ refuses }: { readonly refuses: NonNullable<PlannedChange['refuses']> }) {
  const { data, error } = useQuery(previewQuery(refuses));
  return (
    <div role="status" className={styles.preview}>
      {error !== null && (
        <p>
          Its effect could not be counted: <Untrusted text={error.message} />
        </p>
      )}
      {error === null && data === undefined && <p>Counting what it will refuse …</p>}
      {data !== undefined && sentencesOf(data).map((sentence) => <p key={sentence}>{sentence}</p>)}
    </div>
  );
}

/** A secret that is shown only once. */
function Secret({ text }: { readonly text: string }) {
  return (
    <>
      <p>Shown only once. Copy it now; it cannot be shown again.</p>
      <output className={styles.secret}>{text}</output>
      <CopyButton text={text}>Copy</CopyButton>{' '}
    </>
  );
}

interface ChangeDialogProps {
  readonly change: PlannedChange;
  /** It was made. */
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Asks for confirmation. The browser keeps the focus inside, closes it on Escape and returns the focus to the button that opened it. */
export function ChangeDialog({ change, onDone, onClose }: ChangeDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const key = useRef('');
  const made = useRef(false);
  const queries = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => {
      if (key.current === '') key.current = newIdempotencyKey();
      return make(change, key.current, reason.trim());
    },
    onError: (failure) => {
      // A refused change was not made, and may be requested again; an unanswered one may have been made.
      if (isRefused(failure)) key.current = '';
    },
    onSuccess: async (answer) => {
      made.current = true;
      onDone();
      await afterChange(queries, answer, () => dialog.current?.close());
    },
  });
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (!isPending && (change.word === undefined || typed.trim() === change.word)) mutate();
  };
  const secret = secretOf(data);
  const close = (): void => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby="change-title"
      onCancel={(event) => {
        // The response is shown once: the dialog must still be open.
        if (isPending) event.preventDefault();
      }}
      onClose={() => {
        if (isPending && !made.current) dialog.current?.showModal();
        else onClose();
      }}
    >
      <h2 id="change-title">
        <Untrusted text={change.title} limit={120} brief />
      </h2>
      {secret !== undefined && (
        <>
          <Secret text={secret} />
          <button type="button" onClick={close}>
            Done
          </button>
        </>
      )}
      {secret === undefined && (
        <form onSubmit={submit}>
          <p>{change.effect}</p>
          {change.refuses !== undefined && <Refused refuses={change.refuses} />}
          {change.takesReason === true && (
            <label className={styles.field}>
              Reason, for people who read the trail
              <input
                value={reason}
                maxLength={200}
                onChange={({ target }) => {
                  setReason(target.value);
                }}
              />
            </label>
          )}
          {change.word !== undefined && (
            <label className={styles.field}>
              <span>
                Type <code>{change.word}</code> to continue{' '}
              </span>
              <input
                required
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                value={typed}
                onChange={({ target }) => {
                  setTyped(target.value);
                }}
              />
            </label>
          )}
          {error !== null && (
            <p role="alert" className={styles.refusal}>
              <Untrusted text={error.message} />
              {!isRefused(error) &&
                ' The change may still have been made. If you try again here, it is made only once.'}
            </p>
          )}
          <div className={styles.choice}>
            <button type="button" disabled={isPending} onClick={close}>
              Cancel
            </button>
            <button
              type="submit"
              className={change.word === undefined ? undefined : styles.danger}
              disabled={isPending || (change.word !== undefined && typed.trim() !== change.word)}
            >
              {isPending ? 'Working …' : change.button}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
