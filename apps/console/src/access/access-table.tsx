import { type ReactNode } from 'react';
import { PageState } from '../ui/page-state.js';
import styles from './access.module.css';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
}

export interface AccessTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  /** Which rows stand out. */
  readonly isUrgent?: (row: Row) => boolean;
  /** Shown instead of an empty table. */
  readonly empty: string;
}

/** A table that scrolls horizontally on a narrow page, also by keyboard. */
export function AccessTable<Row>({ caption, columns, rows, idOf, isUrgent, empty }: AccessTableProps<Row>) {
  if (rows.length === 0) return <PageState title={empty} />;
  return (
    <div className={styles.scroll} role="region" aria-label={caption} tabIndex={0}>
      <table className={styles.table}>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title }) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={idOf(row)} className={isUrgent?.(row) === true ? styles.urgent : undefined}>
              {columns.map(({ title, cell }) => (
                <td key={title}>{cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
