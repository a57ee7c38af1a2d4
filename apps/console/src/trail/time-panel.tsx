import { useState } from 'react';
import { useNow } from '../ui/time.js';
import { localText } from '../ui/time-text.js';
import { offeredRanges, parseTime } from '../filters/time-range.js';
import { type TrailSearch } from '../filters/trail-search.js';

interface TimePanelProps {
  readonly search: TrailSearch;
  readonly onRange: (from: string | undefined, to: string | undefined) => void;
}

/** Chooses a time: a preset, or a typed one, relative or absolute. */
export function TimePanel({ search, onRange }: TimePanelProps) {
  const [from, setFrom] = useState(search.from ?? '');
  const [to, setTo] = useState(search.to ?? '');
  const now = useNow();
  const read = (text: string): number | undefined => (text === '' ? undefined : parseTime(text, now));
  const [begin, end] = [read(from), read(to)];
  const fault =
    from !== '' && begin === undefined
      ? 'From is not a valid time.'
      : to !== '' && end === undefined
        ? 'To is not a valid time.'
        : begin !== undefined && begin >= (end ?? now)
          ? 'From must be before To.'
          : undefined;
  return (
    <>
      {offeredRanges.map(({ from: offered, title }) => (
        <button
          key={offered}
          type="button"
          onClick={() => {
            onRange(offered, undefined);
          }}
        >
          {title}
        </button>
      ))}
      <button
        type="button"
        onClick={() => {
          onRange(undefined, undefined);
        }}
      >
        All time
      </button>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (fault === undefined) onRange(from === '' ? undefined : from, to === '' ? undefined : to);
        }}
      >
        <p>
          <label>
            From{' '}
            <input
              value={from}
              placeholder="-3h or 2026-11-26 14:00"
              onChange={({ target }) => {
                setFrom(target.value);
              }}
            />
          </label>
        </p>
        <p>
          <label>
            To{' '}
            <input
              value={to}
              placeholder="now"
              onChange={({ target }) => {
                setTo(target.value);
              }}
            />
          </label>
        </p>
        <p role="status">
          {fault ??
            (begin === undefined ? 'From the beginning' : localText(new Date(begin))) +
              ' – ' +
              (end === undefined ? 'now' : localText(new Date(end)))}
        </p>
        <button type="submit" disabled={fault !== undefined}>
          Show this period
        </button>
      </form>
    </>
  );
}
