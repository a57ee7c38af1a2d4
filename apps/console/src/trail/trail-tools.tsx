import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { pathWith } from '../api/client.js';
import { useShortcuts } from '../shortcuts/shortcuts.js';
import { CopyButton } from '../ui/copy-button.js';
import { Disclosure } from '../ui/disclosure.js';
import { Untrusted } from '../ui/untrusted.js';
import { columnNames, columnTitles, parseColumns, type ColumnName } from './columns.js';
import { cliCommand, curlCommand } from './commands.js';
import { ExportPanel } from './export-panel.js';
import { FilterLine } from './filter-line.js';
import { givenViews, keepView, keptViews } from './saved-views.js';
import { TimePanel } from './time-panel.js';
import { offeredRanges } from '../filters/time-range.js';
import { type TrailSearch } from '../filters/trail-search.js';
import styles from './trail.module.css';

interface ToolsProps {
  readonly search: TrailSearch;
  readonly query: Readonly<Record<string, string>>;
  readonly onRefresh: () => void;
}

function rangeText({ from, to }: TrailSearch): string {
  if (from === undefined && to === undefined) return 'All time';
  const offered = offeredRanges.find((range) => range.from === from && to === undefined);
  return offered?.title ?? `${from ?? 'the beginning'} to ${to ?? 'now'}`;
}

/** The trail's filters, and the actions on its results. */
export function TrailTools({ search, query, onRefresh }: ToolsProps) {
  const navigate = useNavigate({ from: '/' });
  const change = (part: Partial<TrailSearch>): void => void navigate({ search: { ...search, ...part } });
  const columns = parseColumns(search.columns);
  const [views, setViews] = useState(keptViews);
  const [exported, setExported] = useState<string | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useShortcuts([
    { keys: '/', title: 'Type a filter', run: () => input.current?.focus() },
    {
      keys: 'l',
      title: 'Live tail on or off',
      run: () => {
        change({ live: search.live === undefined ? '1' : undefined });
      },
    },
    { keys: 'r', title: 'Refresh', run: onRefresh },
    { keys: 'c', title: 'Copy as a command', run: () => void navigator.clipboard.writeText(cliCommand(query)) },
    { keys: 'x', title: 'Remove every filter', run: () => void navigate({ search: {} }) },
  ]);
  const toggle = (name: ColumnName): void => {
    const chosen = columns.includes(name) ? columns.filter((one) => one !== name) : [...columns, name];
    if (chosen.length > 0) change({ columns: chosen.join(',') });
  };
  return (
    <div className={styles.tools}>
      <FilterLine search={search} input={input} />
      <Disclosure label={rangeText(search)}>
        {(close) => (
          <TimePanel
            search={search}
            onRange={(from, to) => {
              change({ from, to });
              close();
            }}
          />
        )}
      </Disclosure>
      <button
        type="button"
        aria-pressed={search.live === '1'}
        className={search.live === '1' ? styles.live : undefined}
        onClick={() => {
          change({ live: search.live === undefined ? '1' : undefined });
        }}
      >
        Live
      </button>
      <Disclosure label="Views" align="end">
        {(close) => (
          <>
            {[...views, ...givenViews].map(({ name, search: saved }) => (
              <button
                key={name}
                type="button"
                onClick={() => {
                  close();
                  void navigate({ search: saved });
                }}
              >
                <Untrusted text={name} brief />
              </button>
            ))}
            <form
              className={styles.saveView}
              onSubmit={(event) => {
                event.preventDefault();
                const name = String(new FormData(event.currentTarget).get('name')).trim();
                if (name === '') return;
                setViews(keepView(views, { name: name.slice(0, 80), search }));
                close();
              }}
            >
              <label>
                Save this view as <input name="name" maxLength={80} required />
              </label>
              <button type="submit">Save</button>
            </form>
          </>
        )}
      </Disclosure>
      <Disclosure label="Columns" align="end">
        {() => (
          <fieldset className={styles.columns}>
            <legend>Shown next to time and action</legend>
            {columnNames.map((name) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={columns.includes(name)}
                  onChange={() => {
                    toggle(name);
                  }}
                />{' '}
                {columnTitles[name]}
              </label>
            ))}
          </fieldset>
        )}
      </Disclosure>
      <Disclosure label="Copy" align="end">
        {() => (
          <>
            <CopyButton text={cliCommand(query)}>As a countersign command</CopyButton>
            <CopyButton text={curlCommand(location.origin, query)}>As curl</CopyButton>
            <CopyButton text={location.origin + pathWith('/', query)}>A link with absolute times</CopyButton>
          </>
        )}
      </Disclosure>
      <Disclosure label="Export" align="end">
        {(close) => <ExportPanel query={query} exporting={{ state: exported, setState: setExported }} onDone={close} />}
      </Disclosure>
      <p role="status" className={styles.exported}>
        {exported === undefined ? undefined : `Export: ${exported}`}
      </p>
    </div>
  );
}
