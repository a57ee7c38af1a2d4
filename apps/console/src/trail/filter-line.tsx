import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { type TrailSearch } from '../filters/trail-search.js';
import { filterTextOf, parseFilterText } from './filter-text.js';
import { focusFirstRow } from './trail-table.js';
import styles from './trail.module.css';

/** The filters of a search as one editable line of text. */
export function FilterLine({
  search,
  input,
}: {
  readonly search: TrailSearch;
  readonly input: React.RefObject<HTMLInputElement | null>;
}) {
  const navigate = useNavigate({ from: '/' });
  const line = filterTextOf(search);
  // The typed text applies until the filters change by other means. The input element, and its focus, stay.
  const [typed, setTyped] = useState({ text: line, over: line });
  const text = typed.over === line ? typed.text : line;
  const [fault, setFault] = useState<string | undefined>(undefined);
  useEffect(() => {
    input.current?.setCustomValidity(fault ?? '');
  }, [fault, input]);
  return (
    <form
      role="search"
      className={styles.filter}
      onSubmit={(event) => {
        event.preventDefault();
        const parsed = parseFilterText(text);
        setFault(parsed.fault);
        if (parsed.fault !== undefined) return;
        const { from, to, columns, live } = search;
        void navigate({ search: { from, to, columns, live, ...parsed.search } });
      }}
    >
      <input
        ref={input}
        type="search"
        value={text}
        spellCheck={false}
        autoComplete="off"
        dir="auto"
        aria-label="Filter"
        aria-describedby="filter-words"
        aria-invalid={fault !== undefined}
        placeholder="subject:person:… client:storefront outcome:denied words"
        onChange={({ target }) => {
          setTyped({ text: target.value, over: line });
          setFault(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return;
          event.preventDefault();
          focusFirstRow();
        }}
      />
      <span
        id="filter-words"
        role={fault === undefined ? undefined : 'alert'}
        className={fault === undefined ? 'visually-hidden' : styles.fault}
      >
        {fault ??
          'name:value filters by subject, actor, client, api_key, action, resource, source, type, trace, txn or outcome; other words are searched in the events’ text. Enter searches, the down arrow moves to the first event.'}
      </span>
    </form>
  );
}
