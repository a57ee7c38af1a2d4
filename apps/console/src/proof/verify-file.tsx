import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { ErrorState } from '../ui/page-state.js';
import { Untrusted } from '../ui/untrusted.js';
import { checkpointQuery } from './checkpoint-banner.js';
import { checkExport, FILE_LIMIT, type FileReport } from './export-file-check.js';
import { useFileDrop } from './file-drop.js';
import { type FaultPlace } from './fault-place.js';
import { serverLog } from './log-source.js';
import styles from './proof.module.css';
import { StepsList } from './steps-list.js';
import { wrong } from './step.js';

function Place({ place: { fault, line, changed, unreadable } }: { readonly place: FaultPlace }) {
  const where = changed ?? unreadable;
  return (
    <li>
      <p>
        {line !== undefined && <strong>Line {line.toLocaleString('en')}: </strong>}
        <Untrusted text={fault} />
      </p>
      {where !== undefined && (
        <p>
          Byte {where.offset.toLocaleString('en')} of the file, character {where.column.toLocaleString('en')} of the
          line
          {changed === undefined ? ': it cannot be read from this point on.' : '.'}
        </p>
      )}
      {changed !== undefined && (
        <dl className={styles.changed}>
          <dt>In the file</dt>
          <dd>
            <code>
              <Untrusted text={changed.found} />
            </code>
          </dd>
          <dt>In the log</dt>
          <dd>
            <code>
              <Untrusted text={changed.expected} />
            </code>
          </dd>
        </dl>
      )}
    </li>
  );
}

/** Verifies an export file that is dropped here or chosen; the file does not leave the browser. */
export function VerifyFile() {
  const client = useQueryClient();
  const [read, setRead] = useState(0);
  const { mutate, data, error, isPending, variables } = useMutation({
    mutationFn: async (file: File): Promise<FileReport> => {
      setRead(0);
      if (file.size > FILE_LIMIT) {
        const limit = `${String(FILE_LIMIT / 1024 ** 2)} MiB`;
        const words = `The file is larger than ${limit}. Verify it with: countersign audit verify`;
        return { steps: [wrong('The file', words)], places: [], events: 0 };
      }
      const text = await file.text();
      const { checkpoint, steps, keys } = await client.fetchQuery({ ...checkpointQuery, staleTime: 0 });
      if (checkpoint === undefined) return { steps, places: [], events: 0 };
      return checkExport(serverLog, checkpoint, keys, text, setRead);
    },
  });
  const section = useRef<HTMLElement>(null);
  const over = useFileDrop((file) => {
    // Files dropped elsewhere on the page are handled here.
    section.current?.focus();
    mutate(file);
  }, isPending);
  return (
    <section aria-labelledby="file" ref={section} tabIndex={-1}>
      <h2 id="file">An export</h2>
      <label className={styles.drop} data-over={over}>
        <span>
          {over
            ? 'Drop it here to verify it in this browser.'
            : 'Drop an export (NDJSON) anywhere on this page, or choose one. It stays in this browser.'}
        </span>
        <input
          type="file"
          accept=".ndjson,application/x-ndjson"
          disabled={isPending}
          onClick={({ currentTarget }) => {
            // The same file, if it has changed since, counts as a new choice.
            currentTarget.value = '';
          }}
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file !== undefined) mutate(file);
          }}
        />
      </label>
      {isPending && <p role="status">Verifying {read.toLocaleString('en')} events …</p>}
      {error !== null && <ErrorState error={error} />}
      {data !== undefined && (
        <>
          {variables !== undefined && (
            <p>
              <Untrusted text={variables.name} />
            </p>
          )}
          <StepsList steps={data.steps} />
          {data.places.length > 0 && (
            <>
              <h3>Where it is</h3>
              <ol className={styles.places}>
                {data.places.map((place, at) => (
                  <Place key={at} place={place} />
                ))}
              </ol>
            </>
          )}
        </>
      )}
    </section>
  );
}
