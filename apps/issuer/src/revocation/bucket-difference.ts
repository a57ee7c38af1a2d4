import { type Revocation } from '@countersign/auth-core';
import { DIGEST_KEY, type ListedRevocation, type Statement } from '@countersign/revocation-feed';
import { MARGIN_SECONDS } from '../registry/listed-revocation.js';

/** The result of reading an entry of the bucket. */
export type Reading =
  | { readonly is: 'statement'; readonly statement: Statement; readonly isByActiveKey: boolean }
  /** Signed with a key that this database does not know. */
  | { readonly is: 'of unknown key' }
  | { readonly is: 'unreadable' };

/** A revocation from the database, with its key in the bucket. */
export interface Wanted {
  readonly key: string;
  readonly listed: ListedRevocation;
}

/** The steps that make bucket and database agree; keys of the bucket. */
export interface Difference {
  readonly purge: readonly string[];
  readonly put: readonly string[];
  /** Published by the issuer, still in force, but not in the database, which was restored from an earlier backup. */
  readonly adopt: readonly Statement[];
  /** Signed with an unknown key. */
  readonly unknown: readonly string[];
}

const beforeOf = (revocation: Revocation): number => ('issuedBefore' in revocation ? revocation.issuedBefore : 0);

function says({ revocation: said, replaces }: Statement, { revocation, ...wanted }: ListedRevocation): boolean {
  return (
    said.kind === revocation.kind &&
    said.until === revocation.until &&
    beforeOf(said) === beforeOf(revocation) &&
    replaces === wanted.replaces
  );
}

/**
 * Compares the bucket with the database, which is authoritative, unless it was restored: then an entry that the issuer signed and
 * that is still in force was once in the database.
 * @param isRestored whether the issuer has published more than the database has, or that is not acknowledged yet
 * @param held the bucket's keys, read before the database, because whatever was in it had been committed by then
 * @param now seconds
 */
export function differenceOf(
  held: ReadonlySet<string>,
  read: (key: string) => Reading,
  wanted: readonly Wanted[],
  now: number,
  isRestored: boolean,
): Difference {
  const put = wanted.filter(({ key, listed }) => {
    if (!held.has(key)) return true;
    const reading = read(key);
    return reading.is !== 'statement' || !reading.isByActiveKey || !says(reading.statement, listed);
  });
  const known = new Set(wanted.map(({ key }) => key));
  const purge: string[] = [];
  const adopt: Statement[] = [];
  const unknown: string[] = [];
  for (const key of held) {
    if (key === DIGEST_KEY || known.has(key)) continue;
    const reading = read(key);
    const isInForce = reading.is === 'statement' && reading.statement.revocation.until > now - MARGIN_SECONDS;
    if (isRestored && isInForce) adopt.push(reading.statement);
    else if (isRestored && reading.is === 'of unknown key') unknown.push(key);
    else purge.push(key);
  }
  return { purge, put: put.map(({ key }) => key), adopt, unknown };
}
