import { isObject } from './json-object.js';

/** Maximum causes that are named, because they may form a cycle. */
const CAUSES_LIMIT = 8;

/**
 * The message of an error, which names the cause already; without one, as where a host has several addresses, {@link reasonOf}.
 * @returns never empty
 */
export const messageOf = (error: unknown): string =>
  isObject(error) && typeof error['message'] === 'string' && error['message'] !== ''
    ? error['message']
    : reasonOf(error);

/**
 * Why something failed, with its causes: `fetch` only says that it did, and where a name has several addresses Node's error has no message, only an
 * error for each. Recognised by their shape, because they may come from another realm.
 * @returns never empty, for the log: it may name hosts and addresses
 */
export function reasonOf(error: unknown, depth = 0): string {
  if (!isObject(error)) return String(error);
  const { message, code, cause, errors } = error;
  const said = [message, code, 'failed'].find((one) => typeof one === 'string' && one !== '');
  const [first]: readonly unknown[] = Array.isArray(errors) ? errors : [];
  const deeper = cause ?? (message === '' ? first : undefined);
  return deeper === undefined || depth === CAUSES_LIMIT
    ? String(said)
    : `${String(said)}: ${reasonOf(deeper, depth + 1)}`;
}
