import { useEffect, useRef } from 'react';
import { send } from '../api/client.js';
import { saveStream, type Saved } from './save-stream.js';

const formats = [
  { format: 'ndjson', title: 'NDJSON', type: 'application/x-ndjson' },
  { format: 'csv', title: 'CSV', type: 'text/csv' },
] as const;

const whyNot: Readonly<Record<Exclude<Saved, 'saved'>, string>> = {
  partial:
    'Only the first part was saved, because the export takes longer than one request may. Choose a shorter period, or run: countersign audit export',
  'cut-off': 'The connection was lost. Nothing was saved; try again.',
  'too-large':
    'The export is larger than this browser can hold. Choose a shorter period, or run: countersign audit export',
  'disk-full':
    'The browser does not allow this page more disk space. Choose a shorter period, or run: countersign audit export',
};

/** The running export, or how the last one ended: it continues when its panel is closed. */
export interface Exporting {
  readonly state: string | undefined;
  readonly setState: (state: string | undefined) => void;
}

/** Saves the events that match the filters as a file that is evidence by itself: each line has its place in the log, and the file a signed checkpoint. */
export function ExportPanel({
  query,
  exporting: { state, setState },
  onDone,
}: {
  readonly query: Readonly<Record<string, string>>;
  readonly exporting: Exporting;
  readonly onDone: () => void;
}) {
  const shown = useRef(true);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const save = async ({ format, type }: (typeof formats)[number]): Promise<void> => {
    setState('Waiting for the first events …');
    const sent = await send('/events/export', { query: { ...query, format }, endless: true });
    if (!sent.ok) {
      setState(sent.problem.message);
      return;
    }
    const saved = await saveStream(sent.value, `events.${format}`, type, (bytes) => {
      setState(`${(bytes / 1024 / 1024).toFixed(1)} MiB`);
    });
    setState(saved === 'saved' ? undefined : whyNot[saved]);
    if (saved === 'saved' && shown.current) onDone();
  };
  return (
    <>
      <p>
        All events of these filters, oldest first, with the proof that none are missing or changed. Check it with{' '}
        <code>countersign audit verify</code>, or on the page Proof.
      </p>
      {formats.map((one) => (
        <button key={one.format} type="button" onClick={() => void save(one)}>
          Save as {one.title}
        </button>
      ))}
      <p aria-hidden>{state}</p>
    </>
  );
}
