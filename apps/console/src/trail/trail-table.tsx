import { Link } from '@tanstack/react-router';
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
  readonly isLoading: boolean;
}

/** Rows from its end at which the next page is asked for. */
const AHEAD = 30;
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
      return <Who principal={principal} />;
    case 'client':
      return principal === null ? '–' : <Untrusted text={principal.client_id} brief />;
    case 'resource':
      return <Untrusted text={resource} brief />;
    case 'source':
      return <Untrusted text={event.source} brief />;
    case 'reason':
      return reason === undefined ? '' : <Untrusted text={reason} brief />;
    case 'txn':
      return txn === null ? '' : <Untrusted text={txn} brief />;
    case 'index':
      return index;
  }
}

/** The rows of a search. Only what is seen is drawn; the keys j and k go from row to row. */
export function TrailTable({ rows, columns, onEnd, isMore, isLoading }: TrailTableProps) {
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
    if (isMore && !isLoading && last >= rows.length - AHEAD) onEnd();
  }, [isMore, isLoading, last, rows.length, onEnd]);
  const focusRow = (index: number): void => {
    const wanted = Math.max(0, Math.min(rows.length - 1, index));
    virtual.scrollToIndex(wanted);
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-row="${String(wanted)}"] a`)?.focus();
    });
  };
  const current = (): number =>
    Number(document.activeElement?.closest<HTMLElement>('[data-row]')?.dataset['row'] ?? -1);
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
  const grid = { gridTemplateColumns: gridOf(columns) };
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="table"
      tabIndex={0}
      aria-label="Events, newest first"
      aria-rowcount={isMore ? -1 : rows.length + 1}
      onKeyDown={(event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step === undefined || current() < 0) return;
        event.preventDefault();
        focusRow(current() + step);
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
              className={`${styles.row ?? ''} ${styles[found.event.data.outcome] ?? ''}`}
              style={{ ...grid, blockSize: size, transform: `translateY(${String(start)}px)` }}
            >
              <span role="cell" className={styles.time}>
                <Time at={found.event.time} />
              </span>
              <span role="cell" className={styles.action}>
                <Link to="/event/$index" params={{ index: found.log_index }} preload={false}>
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
