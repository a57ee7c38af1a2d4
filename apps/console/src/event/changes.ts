/** A changed value, or a plain one. Values are JSON. */
export type Change =
  | { readonly kind: 'said'; readonly path: string; readonly value: unknown }
  | { readonly kind: 'changed'; readonly path: string; readonly before: unknown; readonly after: unknown };

const DEPTH_LIMIT = 6;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{ before, after }`, and nothing else. */
function pairOf(value: unknown): { readonly before: unknown; readonly after: unknown } | undefined {
  if (!isObject(value) || !('before' in value) || !('after' in value) || Object.keys(value).length !== 2)
    return undefined;
  return { before: value['before'], after: value['after'] };
}

/** The changes of an event, by path: before and after side by side, everything else unchanged. */
export function changesOf(changes: Readonly<Record<string, unknown>>, path = '', depth = 0): readonly Change[] {
  return Object.entries(changes).flatMap(([name, value]): readonly Change[] => {
    const here = path === '' ? name : `${path}.${name}`;
    const pair = pairOf(value);
    if (pair !== undefined) return differencesOf(here, pair.before, pair.after, depth);
    if (isObject(value) && Object.keys(value).length > 0 && depth < DEPTH_LIMIT)
      return changesOf(value, here, depth + 1);
    return [{ kind: 'said', path: here, value }];
  });
}

/** For two objects, only the members that differ. */
function differencesOf(path: string, before: unknown, after: unknown, depth: number): readonly Change[] {
  if (!isObject(before) || !isObject(after) || depth >= DEPTH_LIMIT) return [{ kind: 'changed', path, before, after }];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): readonly Change[] => {
    const [one, other] = [before[name], after[name]];
    return JSON.stringify(one) === JSON.stringify(other) ? [] : differencesOf(`${path}.${name}`, one, other, depth + 1);
  });
}

/** A JSON value for people to read. */
export function valueText(value: unknown): string {
  if (value === undefined) return '(not there)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether the log has a commitment instead of a value. */
export const isMasked = (value: unknown): boolean => typeof value === 'string' && value.startsWith('masked:');
