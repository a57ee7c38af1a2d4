/** Binds a value as a parameter. @returns its place in the text: `$1`, `$2`, … */
export type Bind = (value: unknown) => string;

/** One row's change, a part of what commits together. */
export interface Part {
  readonly write: (bind: Bind) => string;
  /** If there is no row to change, everything is rolled back: the row has changed since it was read. */
  readonly mustMatch?: boolean;
  /** Called once it is committed. */
  readonly done?: () => void;
  /** Called once it is committed, if this part changed a row. */
  readonly changed?: () => void;
}

/** A statement that PostgreSQL keeps prepared, by its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** There are few texts, one for each kind of change. PostgreSQL keeps each prepared under its number here. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `change_${String(names.size + 1)}`;
  names.set(text, name);
  return name;
}

/** A part's name in the statement, and the column that reports whether it changed a row, if requested. */
export const nameOfPart = (index: number): string => `p${String(index)}`;

/** Writes all parts as one statement (data-modifying CTEs): one round trip, one commit, all or nothing. */
export function oneStatement(parts: readonly Part[]): Statement {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${String(values.push(value))}`;
  const written = parts.map(({ write, mustMatch = false, changed }, index) => {
    const text = mustMatch || changed !== undefined ? `${write(bind)} returning 1` : write(bind);
    return `${nameOfPart(index)} as (${text})`;
  });
  const wanted = parts.flatMap(({ mustMatch = false, changed }, index) => {
    const name = nameOfPart(index);
    const matched = `exists (select 1 from ${name})`;
    return [...(mustMatch ? [`require_current(${matched})`] : []), ...(changed ? [`${matched} as ${name}`] : [])];
  });
  const text = `with ${written.join(', ')} select ${wanted.length === 0 ? '1' : wanted.join(', ')}`;
  return { name: nameOf(text), text, values };
}

/** `insert into table (columns) values (…)`, in the columns' order. */
export function insertPart(table: string, row: Readonly<Record<string, unknown>>): Part {
  const columns = Object.keys(row);
  return {
    write: (bind) =>
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((column) => bind(row[column])).join(', ')})`,
  };
}

/** `update table set … where id = … and version = …`: only the version that was read. */
export function updatePart(
  table: string,
  at: { readonly id: string; readonly version: number },
  row: Readonly<Record<string, unknown>>,
): Part {
  return {
    mustMatch: true,
    write: (bind) => {
      const set = Object.entries(row).map(([column, value]) => `${column} = ${bind(value)}`);
      return `update ${table} set ${set.join(', ')} where id = ${bind(at.id)} and version = ${bind(at.version)}`;
    },
  };
}
