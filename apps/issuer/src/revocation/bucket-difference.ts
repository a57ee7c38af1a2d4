import { type Revocation } from '@countersign/auth-core';
import { DIGEST_KEY, type ListedRevocation, type Statement } from '@countersign/revocation-feed';
import { MARGIN_SECONDS } from '../registry/listed-revocation.js';

/** What an entry of the bucket turned out to be. */
export type Reading =
  | { readonly is: 'statement'; readonly statement: Statement; readonly isByActiveKey: boolean }
  /** Signed with a key that this database does not know. */
  | { readonly is: 'of unknown key' }
  | { readonly is: 'unreadable' };

/** A revocation of the database under its key in the bucket. */
export interface Wanted {
  readonly key: string;
  readonly listed: ListedRevocation;
}

/** What brings bucket and database to the same; keys of the bucket. */
export interface Difference {
  readonly purge: readonly string[];
  readonly put: readonly string[];
  /** Stated by the issuer, still in force, and not in the database: it was restored from before. */
  readonly adopt: readonly Statement[];
  /** Signed with a key that is not known. */
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
 * Compares the bucket with the database, which is the truth, except that it may be a restored one: then an entry that the issuer signed and
 * that is still in force was once in it.
 * @param isRestored whether the issuer has stated more than the database knows, or that is not acknowledged yet
 * @param held the bucket's keys, read before the database was: whatever was in it then was committed before
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
