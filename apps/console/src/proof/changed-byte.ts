/** Where a file's line differs from what it should be. */
export interface ChangedPlace {
  /** Bytes from the file's beginning, from 0. */
  readonly offset: number;
  /** Characters from the line's beginning, from 1. */
  readonly column: number;
  /** The actual and the expected text, each with some context. */
  readonly found: string;
  readonly expected: string;
}

const AROUND = 24;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The expected value, its members in the file's order. */
function inOrderOf(found: unknown, wanted: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(wanted)) {
    const members: readonly unknown[] = found;
    return wanted.map((member: unknown, at) => inOrderOf(members[at], member));
  }
  if (!isRecord(found) || !isRecord(wanted)) return wanted;
  const order = [
    ...Object.keys(found).filter((key) => key in wanted),
    ...Object.keys(wanted).filter((key) => !(key in found)),
  ];
  return Object.fromEntries(order.map((key) => [key, inOrderOf(found[key], wanted[key])]));
}

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at += 1;
  return at;
}

/**
 * Where a line of an export was changed, by the event that the log has in its place.
 * @param line the line as it is in the file
 * @param offset bytes of the file before it
 * @param event the log's event
 * @returns undefined when the line's event is the log's
 */
export function changedPlace(line: string, offset: number, event: unknown): ChangedPlace | undefined {
  const parsed: unknown = JSON.parse(line);
  if (!isRecord(parsed)) return undefined;
  const expected = JSON.stringify(inOrderOf(parsed, { ...parsed, event }));
  // The file's own spelling of numbers and escapes counts only where the event differs.
  const written = JSON.stringify(parsed);
  const at = firstDifference(written, expected);
  if (written === expected) return undefined;
  const column = written === line ? at : firstDifference(line, expected);
  const around = (text: string): string => text.slice(Math.max(0, column - AROUND), column + AROUND);
  return {
    offset: offset + new TextEncoder().encode(line.slice(0, column)).length,
    column: column + 1,
    found: around(line),
    expected: around(expected),
  };
}

/** Where a line stops being JSON: the first character that no export has there. */
export function unreadablePlace(line: string, offset: number): Pick<ChangedPlace, 'offset' | 'column'> {
  let [low, high] = [0, line.length];
  // The longest beginning that a complete JSON text may have.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (mayBegin(line.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return { offset: offset + new TextEncoder().encode(line.slice(0, low)).length, column: low + 1 };
}

/** Whether more text could make it JSON: then the parser complains about its end, and nothing before. */
function mayBegin(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /position (\d+)/.exec(message)?.[1];
    return /end of (?:JSON|data|the)|[Uu]nterminated|EOF/.test(message) || position === String(text.length);
  }
}
