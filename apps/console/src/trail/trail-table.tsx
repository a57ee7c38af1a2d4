import { Link, useRouterState } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { type FoundEvent } from '../api/events.js';
import { useShortcuts } from '../shortcuts/shortcuts.js';
import { OutcomeMark } from '../ui/outcome.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { columnTitles, gridOf, type ColumnName } from './columns.js';
import { Who } from './who.js';
import styles from './trail-table.module.css';

interface TrailTableProps {
  readonly rows: readonly FoundEvent[];
  readonly columns: readonly ColumnName[];
  readonly onEnd: () => void;
  readonly isMore: boolean;
  /** Whether reaching its end loads more. */
  readonly asks: boolean;
}

/** Rows before its end at which the next page is requested. */
const AHEAD = 30;
/** The event opened from each entry of the browser's history, by log index: on return it gets the focus again. */
const opened = new Map<string, string>();

/** Moves the focus to the first event that is drawn. */
export function focusFirstRow(): void {
  document.querySelector<HTMLElement>('[data-row] a')?.focus();
}

const narrow = typeof matchMedia === 'function' ? matchMedia('(width < 48rem)') : undefined;

function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(narrow?.matches ?? false);
  useEffect(() => {
    const listen = (): void => {
      setNarrow(narrow?.matches ?? false);
    };
    narrow?.addEventListener('change', listen);
    return () => {
      narrow?.removeEventListener('change', listen);
    };
  }, []);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return rem * (isNarrow ? 4.4 : 2.2);
}

function cellOf(name: ColumnName, { log_index: index, event }: FoundEvent) {
  const { principal, resource, reason, txn, outcome } = event.data;
  switch (name) {
    case 'outcome':
      return <OutcomeMark outcome={outcome} />;
    case 'who':
      return <Who principal={principal} time={event.time} />;
    case 'client':
      return principal === null ? '–' : <Untrusted text={principal.client_id} brief />;
    case 'resource':
      return <Untrusted text={resource} brief shortIds />;
    case 'source':
      return <Untrusted text={event.source} brief />;
    case 'reason':
      return reason === undefined ? '' : <Untrusted text={reason} brief />;
    case 'txn':
      return txn === null ? '' : <Untrusted text={txn} brief shortIds />;
    case 'index':
      return index;
  }
}

/** The rows of a search. Only visible ones are rendered; the keys j and k move from row to row. */
export function TrailTable({ rows, columns, onEnd, isMore, asks }: TrailTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoizes here
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => rows[index]?.log_index ?? index,
  });
  useEffect(() => {
    virtual.measure();
  }, [height, virtual]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (asks && last >= rows.length - AHEAD) onEnd();
  }, [asks, last, rows.length, onEnd]);
  /** Where the focus is about to move: a key pressed before the next frame counts from there. */
  const aimed = useRef<number | undefined>(undefined);
  const focusRow = (index: number): void => {
    const wanted = Math.max(0, Math.min(rows.length - 1, index));
    aimed.current = wanted;
    virtual.scrollToIndex(wanted);
    requestAnimationFrame(() => {
      if (aimed.current !== wanted) return;
      aimed.current = undefined;
      scroller.current?.querySelector<HTMLElement>(`[data-row="${String(wanted)}"] a`)?.focus();
    });
  };
  const place = useRouterState({ select: ({ location }) => location.state.__TSR_key ?? '' });
  const back = useRef(opened.get(place));
  useEffect(() => {
    const index = back.current === undefined ? -1 : rows.findIndex(({ log_index: at }) => at === back.current);
    back.current = undefined;
    if (index >= 0) focusRow(index);
  });
  const current = (): number =>
    aimed.current ?? Number(document.activeElement?.closest<HTMLElement>('[data-row]')?.dataset['row'] ?? -1);
  useShortcuts([
    {
      keys: 'j',
      title: 'Next event',
      run: () => {
        focusRow(current() + 1);
      },
    },
    {
      keys: 'k',
      title: 'Event before',
      run: () => {
        focusRow(current() - 1);
      },
    },
  ]);
  const [stop, setStop] = useState(0);
  // The rows are a single tab stop: the one that last had the focus, or the first that is rendered.
  const tabStop = items.some(({ index }) => index === stop)
    ? stop
    : items.find(({ end }) => end > (virtual.scrollOffset ?? 0))?.index;
  const grid = { gridTemplateColumns: gridOf(columns) };
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="table"
      tabIndex={0}
      aria-label="Events, newest first. Arrow keys move from event to event."
      aria-rowcount={isMore ? -1 : rows.length + 1}
      onKeyDown={(event) => {
        const at = current();
        const wanted = {
          ArrowDown: at < 0 ? tabStop : at + 1,
          ArrowUp: at < 0 ? undefined : at - 1,
          Home: 0,
          End: rows.length - 1,
        }[event.key];
        if (wanted === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        focusRow(wanted);
      }}
    >
      <div role="rowgroup" className={styles.head}>
        <div role="row" aria-rowindex={1} className={styles.row} style={grid}>
          <span role="columnheader">Time</span>
          <span role="columnheader">Action</span>
          {columns.map((name) => (
            <span key={name} role="columnheader">
              {columnTitles[name]}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className={styles.body} style={{ blockSize: virtual.getTotalSize() }}>
        {items.map(({ index, key, start, size }) => {
          const found = rows[index];
          if (found === undefined) return null;
          return (
            <div
              key={key}
              role="row"
              aria-rowindex={index + 2}
              data-row={index}
              onFocus={() => {
                setStop(index);
              }}
              className={`${styles.row ?? ''} ${styles[found.event.data.outcome] ?? ''}`}
              style={{ ...grid, blockSize: size, transform: `translateY(${String(start)}px)` }}
            >
              <span role="cell" className={styles.time}>
                <Time at={found.event.time} />
              </span>
              <span role="cell" className={styles.action}>
                <Link
                  to="/event/$index"
                  params={{ index: found.log_index }}
                  preload={false}
                  tabIndex={index === tabStop ? 0 : -1}
                  onClick={() => {
                    opened.set(place, found.log_index);
                  }}
                >
                  <Untrusted text={found.event.data.action} brief />
                </Link>
              </span>
              {columns.map((name) => (
                <span key={name} role="cell" className={styles[name]}>
                  {cellOf(name, found)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
